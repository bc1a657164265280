"""A billing chord whose charges share one capped vault key. For the current stripe-python.

The code is the published one; README.md here lists every line that differs, and why.
"""
import httpx
from celery import Celery, chord
import stripe
import os

VAULT_URL = os.environ.get("VAULT_URL", "http://127.0.0.1:8787")
REDIS_URL = os.environ.get("CELERY_BROKER_URL", "redis://localhost:6379/0")

app = Celery("billing", broker=REDIS_URL, backend=REDIS_URL)


def issue_vault_key(chord_id: str, budget_usd: float) -> str:
    r = httpx.post(
        f"{VAULT_URL}/vault/keys",
        headers={"Authorization": f"Bearer {os.environ['KEYBRAKE_API_KEY']}"},
        json={
            "vendor": "stripe",
            "daily_usd_cap": budget_usd,
            "allowed_endpoints": ["POST /v1/payment_intents"],
            "expires_in": "2h",
            "agent_run_label": f"celery-billing/{chord_id}",
        },
    )
    return r.json()["vault_key"]


@app.task(
    autoretry_for=(stripe.error.APIConnectionError,),
    retry_backoff=True,
    max_retries=3,
)
def charge_customer(customer_id: str, amount_cents: int, vault_key: str) -> dict:
    stripe.api_key = vault_key  # scoped vault key
    stripe.api_base = f"{VAULT_URL}/stripe"
    return stripe.PaymentIntent.create(
        amount=amount_cents,
        currency="usd",
        customer=customer_id,
        payment_method="pm_card_visa",
        confirm=True,
        off_session=True,
        idempotency_key=f"{customer_id}-{amount_cents}",  # stable retry key
    ).to_dict()


@app.task
def billing_complete(results: list) -> dict:
    successful = sum(1 for r in results if r.get("status") == "succeeded")
    return {"processed": len(results), "successful": successful}


def run_billing(customer_ids: list[str], amount_cents: int, budget_usd: float = 500.0):
    import uuid

    chord_id = str(uuid.uuid4())
    vault_key = issue_vault_key(chord_id, budget_usd)
    header = [
        charge_customer.s(cid, amount_cents, vault_key)
        for cid in customer_ids
    ]
    callback = billing_complete.s()
    chord(header)(callback)
