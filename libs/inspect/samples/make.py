#!/usr/bin/env python3
"""Makes the samples of tests/formats.rs: documents of many formats by writers that are not ours,
each with numbers planted where people put them and where they hide them.

Needs python-docx openpyxl python-pptx odfpy py7zr xlwt piexif pillow ebooklib from PyPI, and
LibreOffice for what it converts. Run in this folder; the results are committed, so that tests need
none of it. Numbers are invented; their check digits are right."""
import gzip, io, json, os, subprocess, sys, tarfile, tempfile, zipfile
from email.message import EmailMessage
from email import policy

HERE = os.path.dirname(os.path.abspath(__file__))
EPOCH = (2026, 1, 1, 0, 0, 0)


def card(seed):
    body = "453957%09d" % (seed * 7_654_321 % 10**9)
    total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(body))
    return body + str(-total % 10)


def ssn(seed):
    return "%03d-%02d-%04d" % (501 + seed % 90, 11 + seed % 80, 1000 + seed * 37 % 8999)


def write(name, content):
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(content)


def zip_of(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def convert(source, to, extra=()):
    """What LibreOffice makes of a file."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless",
                   "--convert-to", to, "--outdir", folder, source, *extra]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ending = to.split(":")[0]
        stem = os.path.splitext(os.path.basename(source))[0]
        with open(os.path.join(folder, f"{stem}.{ending}"), "rb") as file:
            return file.read()


def word():
    """A document with something in each place that Word has for text."""
    import docx
    from docx.shared import Pt
    document = docx.Document()
    document.core_properties.title = "Contract"
    document.core_properties.author = "Hannah Whitlock"
    document.core_properties.comments = f"SSN {ssn(1)}"
    document.add_paragraph(f"The customer pays with credit card {card(1)}.")
    hidden = document.add_paragraph().add_run(f"Hidden: credit card {card(2)}")
    hidden.font.hidden = True
    section = document.sections[0]
    section.header.paragraphs[0].text = f"Header: SSN {ssn(2)}"
    section.footer.paragraphs[0].text = f"Footer: SSN {ssn(3)}"
    table = document.add_table(rows=2, cols=2)
    for row, cells in enumerate([("Name", "Card number"), ("Ann", card(3))]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    run = document.add_paragraph("See the comment.").runs[0]
    document.add_comment(run, text=f"credit card {card(4)}", author="Ann", initials="A")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def sheet():
    import openpyxl
    from openpyxl.comments import Comment
    book = openpyxl.Workbook()
    book.properties.title = "Payments"
    sheet = book.active
    sheet.append(["Name", "Card number", "SSN"])
    sheet.append(["Ann", int(card(5)), ssn(4)])
    sheet["B2"].number_format = "0"
    sheet["A2"].comment = Comment(f"credit card {card(6)}", "Ann")
    sheet.oddHeader.center.text = f"SSN {ssn(5)}"
    secret = book.create_sheet("Hidden")
    secret.sheet_state = "hidden"
    secret.append(["SSN", ssn(6)])
    formula = book.create_sheet("Formulas")
    formula.append(["SSN", f'="{ssn(7)}"'])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def slides():
    import pptx
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    for layout in list(deck.slide_layouts):
        if layout is not slide.slide_layout:
            deck.slide_layouts.remove(layout)
    slide.shapes.title.text = "Plan"
    slide.placeholders[1].text = f"credit card {card(7)}"
    slide.notes_slide.notes_text_frame.text = f"SSN {ssn(8)}"
    out = io.BytesIO()
    deck.save(out)
    return out.getvalue()


def legacy_sheet():
    import xlwt
    book = xlwt.Workbook()
    sheet = book.add_sheet("Payments")
    for row, cells in enumerate([("Name", "Card number", "SSN"), ("Ann", int(card(8)), ssn(9))]):
        for column, value in enumerate(cells):
            sheet.write(row, column, value)
    sheet.header_str = f"SSN {ssn(10)}".encode()
    secret = book.add_sheet("Hidden")
    secret.visibility = 1
    secret.write(0, 0, "SSN")
    secret.write(1, 0, ssn(11))
    for row in range(400):
        secret.write(row + 2, 0, f"row {row} " + "filler " * 8 + chr(0x410 + row % 30))
    secret.write(500, 0, f"credit card {card(9)}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def labelled(document):
    """The document with labels of both kinds, as Office writes them."""
    guid, site = "5c1f7a2e-8d4b-4f60-9a3c-1e2d3c4b5a69", "72f988bf-86f1-41af-91ab-2d7cd011db47"
    names = [("Enabled", "true"), ("Method", "Privileged"), ("Name", "Confidential"), ("SiteId", site)]
    custom = "".join(
        f'<property fmtid="{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}" pid="{pid}" '
        f'name="MSIP_Label_{guid}_{name}"><vt:lpwstr>{value}</vt:lpwstr></property>'
        for pid, (name, value) in enumerate(names, 2))
    custom = ('<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Properties '
              'xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties" '
              'xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes">'
              f'{custom}</Properties>')
    info = ('<?xml version="1.0" encoding="utf-8"?><clbl:labelList '
            'xmlns:clbl="http://schemas.microsoft.com/office/2020/mipLabelMetadata">'
            f'<clbl:label id="{{{guid}}}" enabled="1" method="Privileged" siteId="{{{site}}}" '
            'contentBits="2" removed="0"/></clbl:labelList>')
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        members = [(m, archive.read(m)) for m in archive.namelist()]
    return zip_of(members + [("docProps/custom.xml", custom), ("docMetadata/LabelInfo.xml", info)])


def mail(attachment):
    inner = EmailMessage(policy=policy.SMTP)
    inner["From"], inner["To"], inner["Subject"] = "b@example.org", "c@example.org", "Inner"
    inner["Message-ID"] = "<inner@example.org>"
    inner.set_content(f"The card: credit card {card(11)}")
    outer = EmailMessage(policy=policy.SMTP)
    outer["From"] = "Ann Bell <ann@example.org>"
    outer["To"], outer["Subject"] = "bob@example.org", f"Grüße, SSN {ssn(12)}"
    outer["Message-ID"] = "<outer@example.org>"
    outer["msip_labels"] = ("MSIP_Label_5c1f7a2e-8d4b-4f60-9a3c-1e2d3c4b5a69_Enabled=True; "
                            "MSIP_Label_5c1f7a2e-8d4b-4f60-9a3c-1e2d3c4b5a69_Name=Confidential;")
    outer.set_content(f"Plain: credit card {card(12)}\n", cte="base64")
    outer.add_alternative(f"<p>HTML: SSN <b>{ssn(13)[:6]}</b>{ssn(13)[6:]}</p>", subtype="html")
    outer.add_attachment(attachment, maintype="application", subtype="octet-stream", filename="contract.docx")
    outer.add_attachment(f"name,ssn\nAnn,{ssn(14)}\nBob,{ssn(15)}\n".encode(), maintype="text", subtype="csv", filename="staff.csv")
    outer.add_attachment(inner)
    outer.preamble = f"Before the parts: credit card {card(13)}"
    outer.epilogue = f"Behind the parts: credit card {card(14)}\n"
    outer.set_boundary("=-outer")
    for index, part in enumerate(outer.walk()):
        if part.is_multipart() and part is not outer and part.get_content_type() != "message/rfc822":
            part.set_boundary(f"=-part{index}")
    return outer.as_bytes()


def picture():
    import piexif
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo
    image = Image.new("RGB", (16, 16), "white")
    exif = piexif.dump({
        "0th": {piexif.ImageIFD.Artist: b"Ann Bell", piexif.ImageIFD.ImageDescription: f"SSN {ssn(16)}".encode()},
        "Exif": {piexif.ExifIFD.UserComment: b"ASCII\0\0\0" + f"credit card {card(15)}".encode()},
    })
    out = io.BytesIO()
    image.save(out, "jpeg", exif=exif)
    jpeg = out.getvalue()
    xmp = ('http://ns.adobe.com/xap/1.0/\0<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
           '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
           '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:tg="http://example.org/tg/" '
           'tg:Classification="Confidential"><dc:title><rdf:Alt><rdf:li>Harbour</rdf:li></rdf:Alt></dc:title>'
           '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>').encode()
    jpeg = jpeg[:2] + b"\xff\xe1" + (len(xmp) + 2).to_bytes(2, "big") + xmp + jpeg[2:]
    info = PngInfo()
    info.add_text("Comment", f"SSN {ssn(17)}")
    info.add_itxt("Title", "Grüße", zip=True)
    out = io.BytesIO()
    image.save(out, "png", pnginfo=info)
    return jpeg, out.getvalue()


def open_document():
    """A spreadsheet with what LibreOffice writes seldom: hidden tables, comments, repeated cells."""
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableRow, TableCell
    from odf.office import Annotation
    from odf.style import Style, TableProperties
    from odf.text import P
    document = OpenDocumentSpreadsheet()
    hidden = Style(name="hidden", family="table")
    hidden.addElement(TableProperties(display="false"))
    document.automaticstyles.addElement(hidden)

    def row(cells):
        made = TableRow()
        for text, repeated in cells:
            cell = TableCell(valuetype="string", numbercolumnsrepeated=repeated)
            if text:
                cell.addElement(P(text=text))
            made.addElement(cell)
        return made

    table = Table(name="Open")
    table.addElement(row([("Name", 1), ("", 2), ("Card number", 1)]))
    table.addElement(row([("Ann", 1), ("", 2), (card(16), 1)]))
    cell = TableCell(valuetype="float", value=card(17))
    cell.addElement(P(text="4.54E15"))
    note = Annotation()
    note.addElement(P(text=f"SSN {ssn(18)}"))
    cell.addElement(note)
    last = TableRow()
    last.addElement(TableCell(numbercolumnsrepeated=3))
    last.addElement(cell)
    table.addElement(last)
    document.spreadsheet.addElement(table)
    secret = Table(name="Secret", stylename=hidden)
    secret.addElement(row([("SSN", 1), (ssn(19), 1)]))
    document.spreadsheet.addElement(secret)
    out = io.BytesIO()
    document.write(out)
    return out.getvalue()


def book():
    from ebooklib import epub
    made = epub.EpubBook()
    made.set_identifier("harbour"), made.set_title("Harbour"), made.set_language("en")
    made.add_author("Hannah Whitlock")
    chapter = epub.EpubHtml(title="One", file_name="one.xhtml", content=f"<p>credit card {card(18)}</p>")
    made.add_item(chapter)
    made.toc, made.spine = (chapter,), ["nav", chapter]
    made.add_item(epub.EpubNcx()), made.add_item(epub.EpubNav())
    out = io.BytesIO()
    epub.write_epub(out, made)
    return out.getvalue()


def archives(document):
    import py7zr
    members = [("deep/contract.docx", document), ("note.txt", f"SSN {ssn(20)}".encode())]

    def tar(mode):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=mode) as archive:
            for name, content in members:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return out.getvalue()

    def seven(files, **options):
        out = io.BytesIO()
        with py7zr.SevenZipFile(out, "w", **options) as archive:
            for name, content in files:
                archive.writef(io.BytesIO(content), name)
        return out.getvalue()

    write("tape.tar", tar("w"))
    write("tape.tar.gz", tar("w:gz"))
    write("tape.tar.bz2", tar("w:bz2"))
    write("tape.tar.xz", tar("w:xz"))
    write("files.7z", seven(members))
    write("locked.7z", seven(members, password="secret"))
    write("locked-names.7z", seven(members, password="secret", header_encryption=True))
    inner = zip_of([("staff.7z", seven([("staff.csv", f"name,ssn\nAnn,{ssn(21)}\nBob,{ssn(22)}\n".encode())]))])
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz") as archive:
        info = tarfile.TarInfo("inner.zip")
        info.size = len(inner)
        archive.addfile(info, io.BytesIO(inner))
    write("nested.tar.xz", out.getvalue())
    import backports.zstd
    write("note.txt.zst", backports.zstd.compress(f"SSN {ssn(23)}".encode()) + backports.zstd.compress(f" credit card {card(19)}".encode()))


def texts():
    write("orders.json", json.dumps({
        "customer": {"name": "Ann", "payment": {"card_number": card(20)}},
        "history": [{"order_no": card(21)}, {"ssn": ssn(24)}],
        "note": "caf\u00e9 \u2014 SSN\u00a0" + ssn(25),
    }).encode())
    lines = [json.dumps({"id": n, "social_security_number": ssn(26 + n)}) for n in range(3)]
    write("events.jsonl", "\n".join(lines).encode())
    write("orders.xml", (
        '<?xml version="1.0"?><!-- SSN ' + ssn(30) + ' --><orders><order id="1"><card_number>'
        + card(22) + f'</card_number><person ssn="{ssn(31)}"/></order></orders>').encode())
    mbox = "".join(f"From x@example.org Thu Jan  1 00:00:00 2026\nFrom: x@example.org\nSubject: n\nMessage-ID: <{n}@x>\n\nSSN {ssn(32 + n)}\n\n" for n in range(2))
    write("mailbox.mbox", mbox.encode())


def main():
    document = word()
    write("contract.docx", document)
    write("labelled.docx", labelled(document))
    write("payments.xlsx", sheet())
    write("plan.pptx", slides())
    write("legacy.xls", legacy_sheet())
    write("hidden.ods", open_document())
    write("harbour.epub", book())
    write("message.eml", mail(document))
    jpeg, png = picture()
    write("photo.jpg", jpeg)
    write("note.png", png)
    archives(zip_of([("word/document.xml", f'<w:document xmlns:w="x"><w:p><w:t>credit card {card(23)}</w:t></w:p></w:document>'), ("[Content_Types].xml", "<Types/>")]))
    texts()
    path = lambda name: os.path.join(HERE, name)
    for source, endings in [("contract.docx", ["rtf", "doc", "odt", "pdf"]), ("payments.xlsx", ["xls", "ods"]), ("plan.pptx", ["ppt", "odp"])]:
        for ending in endings:
            made = convert(path(source), ending)
            if ending == "ppt":
                made, ending = gzip.compress(made, mtime=0), "ppt.gz"
            write(f"libreoffice.{ending}", made)


if __name__ == "__main__":
    sys.exit(main())
