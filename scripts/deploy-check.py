"""What scripts/deploy-check asks of the rendered manifests: prints what it saw, ends with 1 and every mistake."""
import json
import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml

OPERATORS = {"ServiceMonitor", "PrometheusRule", "ScaledObject", "TriggerAuthentication"}
# Kinds and names that an overlay adds to the base, and fields of the base that it changes: all that it may.
MAY_ADD = {
    "dev": {"Namespace/tidegate-dev", "Secret/tidegate"}
    | {f"{kind}/{name}" for kind in ("StatefulSet", "Service", "NetworkPolicy") for name in ("kafka", "postgres")},
    "production": {
        "Namespace/tidegate", "Ingress/tidegate", "HorizontalPodAutoscaler/tidegate-ingest", "ScaledObject/tidegate-evaluator",
        "TriggerAuthentication/tidegate-kafka", "ServiceMonitor/tidegate", "PrometheusRule/tidegate",
        "ConfigMap/tidegate-dashboard-overview", "ConfigMap/tidegate-dashboard-pipeline",
    },
}
MAY_CHANGE = {
    "dev": {"metadata.namespace", "spec.replicas", "spec.minAvailable", "data.TIDEGATE_PUBLIC_URL", "data.TIDEGATE_DRAIN_SECONDS",
            "spec.template.spec.containers.0.image"},
    "production": {"metadata.namespace", "spec.replicas", "data.TIDEGATE_PUBLIC_URL", "data.TIDEGATE_LOG", "data.TIDEGATE_KAFKA_SECURITY",
                   "data.TIDEGATE_KAFKA_CA_FILE", "data.TIDEGATE_KAFKA_USER", "data.TIDEGATE_KAFKA_PASSWORD_FILE",
                   "data.TIDEGATE_KAFKA_REPLICATION", "data.TIDEGATE_OTLP_ENDPOINT", "data.TIDEGATE_OTLP_RATIO"},
}
VERSION = "1.34"


def named(path):
    documents = [document for document in yaml.safe_load_all(path.read_text()) if document]
    return {f"{document['kind']}/{document['metadata']['name']}": document for document in documents}


def differences(old, new, at=""):
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from differences(old.get(key), new.get(key), f"{at}.{key}" if at else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new)):
            yield from differences(one, other, f"{at}.{index}")
    elif old != new:
        yield at


def restricted(name, document):
    """Pod security, level restricted: https://kubernetes.io/docs/concepts/security/pod-security-standards/"""
    spec = document["spec"]["template"]["spec"]
    pod = spec.get("securityContext", {})
    if not pod.get("runAsNonRoot") or pod.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield f"{name}: the pod may run as root or without seccomp"
    for container in spec["containers"] + spec.get("initContainers", []):
        context = container.get("securityContext", {})
        if context.get("allowPrivilegeEscalation") is not False or context.get("capabilities", {}).get("drop") != ["ALL"]:
            yield f"{name}: {container['name']} may gain rights"
        if "memory" not in container.get("resources", {}).get("limits", {}):
            yield f"{name}: {container['name']} has no bound of memory"


def main(folder):
    mistakes = []
    base = named(folder / "base.yaml")
    schemas = {path.stem: json.loads(path.read_text()) for path in pathlib.Path("deploy/k8s/schemas").glob("*.json")}
    for overlay in MAY_ADD:
        rendered = named(folder / f"{overlay}.yaml")
        for name, document in rendered.items():
            kind = document["kind"]
            try:
                if kind in OPERATORS:
                    jsonschema.validate(document, schemas[kind.lower()])
                else:
                    kubernetes_validate.validate(document, VERSION, strict=True)
            except (jsonschema.ValidationError, kubernetes_validate.ValidationError) as error:
                mistakes.append(f"{overlay}: {name}: {getattr(error, 'message', error)}")
            if kind in {"Deployment", "StatefulSet", "Job"}:
                mistakes.extend(f"{overlay}: {mistake}" for mistake in restricted(name, document))
        for name in rendered.keys() - base.keys() - MAY_ADD[overlay]:
            mistakes.append(f"{overlay}: adds {name}")
        for name, document in base.items():
            if name not in rendered:
                mistakes.append(f"{overlay}: drops {name}")
                continue
            for at in differences(document, rendered[name]):
                if at not in MAY_CHANGE[overlay]:
                    mistakes.append(f"{overlay}: {name} differs at {at}")
        print(f"deploy-check: {overlay}: {len(rendered)} documents", file=sys.stderr)
    rules = named(folder / "production.yaml")["PrometheusRule/tidegate"]["spec"]
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    for mistake in mistakes:
        print(f"deploy-check: {mistake}", file=sys.stderr)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
