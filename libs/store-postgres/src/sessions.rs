//! Sessions and tokens, found by the hash of what a browser or a program shows. What changes with use
//! stands beside the document, so that noting it overwrites nothing.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{Account, AccountId, ApiToken, Page, PageRequest, Session, SessionId, TokenId};
use ports::{SESSIONS_MAX, SessionStore, StoreError, TokenStore};
use sqlx::{Postgres, QueryBuilder};
use store_rows::accounts::{ACCOUNT, SESSION, TOKEN, TokenRow, account, session, token};

use crate::PostgresStore;
use crate::cursor::{self, SortKey};
use crate::failure::{failed, not_found, read, taken, written};
use crate::instants::micros;
use crate::narrow::{self, Order};
use crate::transaction::commit;

/// What a session without an account is listed by.
const NOBODY: &str = "";

fn owner(account: Option<AccountId>) -> String {
    account.map_or_else(|| NOBODY.to_owned(), |id| id.to_string())
}

#[async_trait]
impl SessionStore for PostgresStore {
    async fn open_session(&self, hash: &str, session: &Session) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM sessions WHERE ends_at <= $1")
            .bind(micros(session.created_at))
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        sqlx::query(
            "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE owner = $1
             ORDER BY seen_at DESC, id DESC LIMIT 1000 OFFSET $2)",
        )
        .bind(owner(session.account))
        .bind(i64::from(SESSIONS_MAX) - 1)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        sqlx::query(
            "INSERT INTO sessions (hash, id, owner, seen_at, ends_at, document)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(hash)
        .bind(session.id.to_string())
        .bind(owner(session.account))
        .bind(micros(session.seen_at))
        .bind(micros(session.ends_at))
        .bind(written(session))
        .execute(&mut *tx)
        .await
        .map_err(taken(SESSION, session.id))?;
        commit(tx).await
    }

    async fn session(
        &self,
        hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<(Session, Option<Account>)>, StoreError> {
        let row: Option<(String, i64, Option<String>)> = sqlx::query_as(
            "SELECT s.document, s.seen_at, a.document FROM sessions s
             LEFT JOIN accounts a ON a.id = s.owner WHERE s.hash = $1 AND s.ends_at > $2",
        )
        .bind(hash)
        .bind(micros(now))
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        let Some((document, seen_at, of)) = row else {
            return Ok(None);
        };
        Ok(Some((
            session(&(document, seen_at))?,
            account(of.as_deref())?,
        )))
    }

    async fn see_session(&self, id: SessionId, at: DateTime<Utc>) -> Result<(), StoreError> {
        sqlx::query("UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2")
            .bind(id.to_string())
            .bind(micros(at))
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn sessions_of(
        &self,
        account: Option<AccountId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Session>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT document, seen_at FROM sessions WHERE owner = $1 AND ends_at > $2
             ORDER BY seen_at DESC, id DESC",
        )
        .bind(owner(account))
        .bind(micros(now))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        rows.iter().map(session).collect()
    }

    async fn end_session(&self, id: SessionId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE id = $1")
            .bind(id.to_string())
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn end_sessions(
        &self,
        account: Option<AccountId>,
        but: Option<SessionId>,
    ) -> Result<u64, StoreError> {
        let ended = sqlx::query("DELETE FROM sessions WHERE owner = $1 AND id <> $2")
            .bind(owner(account))
            .bind(but.map_or_else(String::new, |id| id.to_string()))
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(ended.rows_affected())
    }
}

#[async_trait]
impl TokenStore for PostgresStore {
    async fn add_token(&self, hash: &str, token: &ApiToken) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO api_tokens (hash, id, account_id, created_at, document)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(hash)
        .bind(token.id.to_string())
        .bind(token.account.to_string())
        .bind(micros(token.created_at))
        .bind(written(token))
        .execute(&self.pool)
        .await
        .map_err(taken(TOKEN, token.id))?;
        Ok(())
    }

    async fn token_of_hash(&self, hash: &str) -> Result<Option<(ApiToken, Account)>, StoreError> {
        let row: Option<(String, Option<i64>, Option<i64>, String)> = sqlx::query_as(
            "SELECT t.document, t.used_at, t.revoked_at, a.document FROM api_tokens t
             JOIN accounts a ON a.id = t.account_id WHERE t.hash = $1",
        )
        .bind(hash)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        let Some((document, used_at, revoked_at, of)) = row else {
            return Ok(None);
        };
        let token = token(&(document, used_at, revoked_at))?;
        Ok(Some((token, read(ACCOUNT, &of)?)))
    }

    async fn token(&self, id: TokenId) -> Result<Option<ApiToken>, StoreError> {
        let row: Option<TokenRow> =
            sqlx::query_as("SELECT document, used_at, revoked_at FROM api_tokens WHERE id = $1")
                .bind(id.to_string())
                .fetch_optional(&self.pool)
                .await
                .map_err(failed)?;
        row.as_ref().map(token).transpose()
    }

    async fn token_used(&self, id: TokenId, at: DateTime<Utc>) -> Result<(), StoreError> {
        sqlx::query("UPDATE api_tokens SET used_at = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(micros(at))
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn token_page(
        &self,
        account: Option<AccountId>,
        request: &PageRequest,
    ) -> Result<Page<ApiToken>, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new(
            "SELECT document, used_at, revoked_at FROM api_tokens WHERE 1 = 1",
        );
        let of = account.map(|id| id.to_string());
        narrow::equal(&mut query, "account_id", of);
        let after = cursor::after(TOKEN, request)?;
        let limit = cursor::limit(request);
        let columns = ["created_at", "id"];
        narrow::follow(&mut query, columns, Order::OldestFirst, after, limit);
        let rows: Vec<TokenRow> = query
            .build_query_as()
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        let keyed = |row| {
            let token = token(row)?;
            let key = SortKey {
                number: micros(token.created_at),
                text: token.id.to_string(),
            };
            Ok((key, token))
        };
        let rows = rows.iter().map(keyed).collect::<Result<_, StoreError>>()?;
        Ok(cursor::page(TOKEN, rows, request))
    }

    async fn revoke_token(&self, id: TokenId, at: DateTime<Utc>) -> Result<ApiToken, StoreError> {
        let row: Option<TokenRow> = sqlx::query_as(
            "UPDATE api_tokens SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1
             RETURNING document, used_at, revoked_at",
        )
        .bind(id.to_string())
        .bind(micros(at))
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        token(&row.ok_or_else(|| not_found(TOKEN, id))?)
    }
}
