//! Accounts, sealed credentials, and links found by their hash. An account is one document; what it is
//! found by stands beside it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{Account, AccountId, Page, PageRequest, Subject};
use ports::{AccountLink, AccountStore, Credentials, StoreError};
use sqlx::{QueryBuilder, Sqlite};
use store_rows::accounts::{ACCOUNT, account, subject_key};

use crate::cursor;
use crate::failure::{conflict, corrupt, failed, not_found, taken, written};
use crate::instants::{instant, micros};
use crate::narrow::{self, Order};
use crate::{SqliteStore, commit};

#[async_trait]
impl AccountStore for SqliteStore {
    async fn add_account(&self, account: &Account) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO accounts (id, name_key, subject_key, created_at, revision, document)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(account.id.to_string())
        .bind(Account::key(&account.name))
        .bind(account.subject.as_ref().map(subject_key))
        .bind(micros(account.created_at))
        .bind(account.revision as i64)
        .bind(written(account))
        .execute(&self.writer)
        .await
        .map_err(taken(ACCOUNT, &account.name))?;
        Ok(())
    }

    async fn save_account(&self, account: &Account) -> Result<Account, StoreError> {
        let mut saved = account.clone();
        saved.revision += 1;
        let changed = sqlx::query(
            "UPDATE accounts SET subject_key = $3, revision = $4, document = $5
             WHERE id = $1 AND revision = $2 AND name_key = $6",
        )
        .bind(account.id.to_string())
        .bind(account.revision as i64)
        .bind(saved.subject.as_ref().map(subject_key))
        .bind(saved.revision as i64)
        .bind(written(&saved))
        .bind(Account::key(&account.name))
        .execute(&self.writer)
        .await
        .map_err(taken(ACCOUNT, &account.name))?;
        match changed.rows_affected() {
            0 => Err(conflict(ACCOUNT, &account.name)),
            _ => Ok(saved),
        }
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let sql = "SELECT document FROM accounts WHERE id = $1";
        self.one_account(sql, id.to_string()).await
    }

    async fn account_named(&self, name: &str) -> Result<Option<Account>, StoreError> {
        let sql = "SELECT document FROM accounts WHERE name_key = $1";
        self.one_account(sql, Account::key(name)).await
    }

    async fn account_of(&self, subject: &Subject) -> Result<Option<Account>, StoreError> {
        let sql = "SELECT document FROM accounts WHERE subject_key = $1";
        self.one_account(sql, subject_key(subject)).await
    }

    async fn account_page(&self, request: &PageRequest) -> Result<Page<Account>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT document FROM accounts WHERE 1 = 1");
        let after = cursor::after(ACCOUNT, request)?;
        let limit = cursor::limit(request);
        let columns = ["created_at", "id"];
        narrow::follow(&mut query, columns, Order::OldestFirst, after, limit);
        let documents: Vec<String> = query
            .build_query_scalar()
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?;
        cursor::page_of_documents(ACCOUNT, &documents, request, |one: &Account| {
            (one.created_at, one.id)
        })
    }

    async fn account_count(&self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM accounts")
            .fetch_one(&self.reader)
            .await
            .map_err(failed)?;
        Ok(count as u64)
    }

    async fn credentials(&self, id: AccountId) -> Result<(Credentials, u64), StoreError> {
        let row: Option<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT version, sealed FROM credentials WHERE account_id = $1")
                .bind(id.to_string())
                .fetch_optional(&self.reader)
                .await
                .map_err(failed)?;
        let Some((version, sealed)) = row else {
            return Ok((Credentials::default(), 0));
        };
        Ok((self.sealer.open_credentials(id, &sealed)?, version as u64))
    }

    async fn replace_credentials(
        &self,
        id: AccountId,
        version: u64,
        credentials: &Credentials,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let account: Option<String> = sqlx::query_scalar("SELECT id FROM accounts WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut *tx)
            .await
            .map_err(failed)?;
        account.ok_or_else(|| not_found(ACCOUNT, id))?;
        let there: Option<i64> =
            sqlx::query_scalar("SELECT version FROM credentials WHERE account_id = $1")
                .bind(id.to_string())
                .fetch_optional(&mut *tx)
                .await
                .map_err(failed)?;
        if there.unwrap_or_default() as u64 != version {
            return Err(conflict("credentials", id));
        }
        sqlx::query(
            "INSERT INTO credentials (account_id, version, sealed) VALUES ($1, $2, $3)
             ON CONFLICT (account_id) DO UPDATE
             SET version = excluded.version, sealed = excluded.sealed",
        )
        .bind(id.to_string())
        .bind(version as i64 + 1)
        .bind(self.sealer.seal_credentials(id, credentials))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        commit(tx).await
    }

    async fn add_link(&self, hash: &str, link: &AccountLink) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM account_links WHERE account_id = $1")
            .bind(link.account.to_string())
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        sqlx::query("INSERT INTO account_links (hash, account_id, expires_at) VALUES ($1, $2, $3)")
            .bind(hash)
            .bind(link.account.to_string())
            .bind(micros(link.expires_at))
            .execute(&mut *tx)
            .await
            .map_err(taken("link", hash))?;
        commit(tx).await
    }

    async fn link(
        &self,
        hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<AccountLink>, StoreError> {
        let row: Option<(String, i64)> = sqlx::query_as(
            "SELECT account_id, expires_at FROM account_links WHERE hash = $1 AND expires_at > $2",
        )
        .bind(hash)
        .bind(micros(now))
        .fetch_optional(&self.reader)
        .await
        .map_err(failed)?;
        row.map(link_of).transpose()
    }

    async fn take_link(
        &self,
        hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<AccountLink>, StoreError> {
        let row: Option<(String, i64)> = sqlx::query_as(
            "DELETE FROM account_links WHERE hash = $1 AND expires_at > $2
             RETURNING account_id, expires_at",
        )
        .bind(hash)
        .bind(micros(now))
        .fetch_optional(&self.writer)
        .await
        .map_err(failed)?;
        row.map(link_of).transpose()
    }
}

impl SqliteStore {
    async fn one_account(
        &self,
        sql: &'static str,
        key: String,
    ) -> Result<Option<Account>, StoreError> {
        let document: Option<String> = sqlx::query_scalar(sql)
            .bind(key)
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?;
        account(document.as_deref())
    }
}

fn link_of((account, expires_at): (String, i64)) -> Result<AccountLink, StoreError> {
    Ok(AccountLink {
        account: account.parse().map_err(corrupt("link"))?,
        expires_at: instant(expires_at)?,
    })
}
