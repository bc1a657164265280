/**
 * The operations that move no money and that cost nothing: the table. Calling off; records of who
 * pays, with what, for what; changes of what tells and moves nothing; and, withheld by reach.ts,
 * secrets, settings and other people's accounts. A line is a path and what can be done at it or
 * below it: `POST/{id}/cancel`.
 */

export const FREE_OPERATIONS = `
  # calling off, and changes of what is told of money
  /v1/payment_intents/{id} POST/cancel
  /v1/charges POST/{id}
  /v1/setup_intents POST POST/{id} POST/{id}/cancel POST/{id}/confirm
  /v1/setup_intents POST/{id}/verify_microdeposits
  /v1/refunds POST/{id} POST/{id}/cancel
  /v1/payouts POST/{id} POST/{id}/cancel
  /v1/topups POST/{id} POST/{id}/cancel
  /v1/transfers POST/{id} POST/{id}/reversals/{id}
  /v1/application_fees POST/{id}/refunds/{id}
  /v1/checkout/sessions POST/{id}/expire
  /v1/climate/orders POST/{id} POST/{id}/cancel
  /v1/credit_notes POST/{id} POST/{id}/void
  /v1/invoices POST/create_preview DELETE/{id} POST/{id}/void
  /v1/invoices POST/{id}/attach_payment POST/{id}/mark_uncollectible
  /v1/invoiceitems DELETE/{id}
  /v1/invoice_rendering_templates POST/{id}/archive POST/{id}/unarchive
  /v1/quotes POST POST/{id} POST/{id}/cancel POST/{id}/finalize
  /v1/payment_records POST/report_payment POST/{id}/report_payment_attempt
  /v1/payment_records POST/{id}/report_payment_attempt_canceled
  /v1/payment_records POST/{id}/report_payment_attempt_failed
  /v1/payment_records POST/{id}/report_payment_attempt_guaranteed
  /v1/payment_records POST/{id}/report_payment_attempt_informational POST/{id}/report_refund

  # customers and how they pay
  /v1/customers DELETE/{id} POST/{id}/balance_transactions/{id} POST/{id}/cash_balance
  /v1/customers POST/{id}/funding_instructions POST/{id}/tax_ids DELETE/{id}/tax_ids/{id}
  /v1/customers/{id}/sources POST POST/{id} POST/{id}/verify DELETE/{id}
  /v1/customer_sessions POST
  /v1/payment_methods POST POST/{id} POST/{id}/attach POST/{id}/detach
  /v1/sources POST POST/{id} POST/{id}/verify
  /v1/tax_ids POST DELETE/{id}

  # the catalogue
  /v1/products POST POST/{id} DELETE/{id} POST/{id}/features DELETE/{id}/features/{id}
  /v1/prices POST POST/{id}
  /v1/plans POST POST/{id} DELETE/{id}
  /v1/coupons POST POST/{id} DELETE/{id}
  /v1/promotion_codes POST POST/{id}
  /v1/product_catalog/trial_offers POST POST/{id}
  /v1/shipping_rates POST POST/{id}
  /v1/tax_rates POST POST/{id}
  /v1/entitlements/features POST POST/{id}
  /v1/billing/meters POST POST/{id} POST/{id}/deactivate POST/{id}/reactivate
  /v1/billing/meter_event_adjustments POST
  /v1/billing/alerts POST POST/{id}/activate POST/{id}/archive POST/{id}/deactivate
  /v1/billing/credit_grants POST/{id} POST/{id}/expire POST/{id}/void
  /v1/billing/feedback_options POST POST/{id} POST/{id}/deactivate
  /v2/billing/meter_event_adjustments POST
  /v2/billing/meter_event_session POST
  /v2/commerce/product_catalog/imports POST

  # how the account works (most of it withheld, reach.ts)
  /v1/apple_pay/domains POST DELETE/{id}
  /v1/payment_method_domains POST POST/{id} POST/{id}/validate
  /v1/payment_method_configurations POST POST/{id}
  /v1/billing_portal/configurations POST POST/{id}
  /v1/billing_portal/sessions POST
  /v1/balance_settings POST
  /v1/tax/settings POST
  /v1/tax/registrations POST POST/{id}
  /v1/tax/locations POST
  /v1/radar/value_lists POST POST/{id} DELETE/{id}
  /v1/radar/value_list_items POST DELETE/{id}
  /v1/reviews POST/{id}/approve
  /v1/reporting/report_runs POST
  /v1/terminal/configurations POST POST/{id} DELETE/{id}
  /v1/terminal/locations POST POST/{id} DELETE/{id}
  /v1/terminal/readers POST POST/{id} DELETE/{id} POST/{id}/cancel_action
  /v1/terminal/readers/{id} POST/collect_inputs POST/collect_payment_method
  /v1/terminal/readers/{id} POST/process_setup_intent POST/set_reader_display
  /v1/terminal/connection_tokens POST
  /v1/terminal/onboarding_links POST
  /v1/three_d_secure/authentications POST/{id}/cancel

  # secrets, papers and other accounts: withheld
  /v1/webhook_endpoints POST POST/{id} DELETE/{id}
  /v1/ephemeral_keys POST DELETE/{id}
  /v1/apps POST/secrets POST/secrets/delete POST/installs POST/installs/{id}
  /v1/apps/installs POST/{id}/uninstall
  /v1/forwarding/requests POST
  /v1/files POST
  /v1/file_links POST POST/{id}
  /v1/tokens POST
  /v1/identity/verification_sessions POST/{id} POST/{id}/cancel POST/{id}/redact
  /v1/financial_connections/accounts POST/{id}/disconnect POST/{id}/unsubscribe
  /oauth POST/deauthorize POST/token
  /v1 POST/account_links POST/account_sessions
  /v1/accounts POST POST/{id} DELETE/{id} POST/{id}/capabilities/{id}
  /v1/accounts/{id} POST/login_links POST/reject POST/unreject
  /v1/accounts/{id}/external_accounts POST POST/{id} DELETE/{id}
  /v1/accounts/{id}/persons POST POST/{id} DELETE/{id}
  /v2/core POST/account_links POST/account_tokens
  /v2/core/accounts POST POST/{id} POST/{id}/close POST/{id}/person_tokens
  /v2/core/accounts/{id}/persons POST POST/{id} DELETE/{id}
  /v2/core/event_destinations POST POST/{id} DELETE/{id} POST/{id}/disable
  /v2/core/event_destinations/{id} POST/enable POST/ping
  /v2/core/vault/gb_bank_accounts POST POST/{id}/archive POST/{id}/unarchive
  /v2/core/vault/us_bank_accounts POST POST/{id} POST/{id}/archive
  /v2/core/vault/us_bank_accounts/{id} POST/confirm_microdeposits POST/unarchive

  # bank accounts and cards of Stripe's: withheld
  /v1/issuing POST/authorizations/{id} POST/authorizations/{id}/decline
  /v1/issuing POST/cardholders POST/cardholders/{id} POST/tokens/{id}
  /v1/issuing/disputes POST POST/{id} POST/{id}/submit
  /v1/issuing/personalization_designs POST POST/{id}
  /v1/issuing/transactions POST/{id}
  /v1/treasury/financial_accounts POST POST/{id} POST/{id}/close POST/{id}/features
  /v1/treasury POST/inbound_transfers/{id}/cancel POST/outbound_payments/{id}/cancel
  /v1/treasury POST/outbound_transfers/{id}/cancel
  /v2/money_management POST/financial_accounts/{id} POST/financial_addresses
  /v2/money_management POST/outbound_payments/{id}/cancel POST/transactions/{id}
  /v2/money_management POST/transactions/{id}/refresh_regulatory_receipt
  /v2/money_management/outbound_setup_intents POST POST/{id} POST/{id}/cancel
  /v2/money_management/payout_intents/{id} POST POST/cancel POST/refresh_fx_quote
  /v2/money_management/payout_intents/{id} POST/refresh_recipient_verification
  /v2/money_management/payout_methods/{id} POST/archive POST/unarchive
  /v2/money_management/recipient_verifications POST POST/{id}/acknowledge

  # where no money is real: withheld
  /v1/test_helpers/test_clocks POST POST/{id}/advance DELETE/{id}
  /v1/test_helpers POST/confirmation_tokens POST/refunds/{id}/expire
  /v1/test_helpers POST/customers/{id}/fund_cash_balance
  /v1/test_helpers/issuing/authorizations POST POST/{id}/capture POST/{id}/expire
  /v1/test_helpers/issuing/authorizations/{id} POST/finalize_amount POST/increment
  /v1/test_helpers/issuing/authorizations/{id} POST/fraud_challenges/respond POST/reverse
  /v1/test_helpers/issuing/cards/{id}/shipping POST/deliver POST/fail POST/return
  /v1/test_helpers/issuing/cards/{id}/shipping POST/ship POST/submit
  /v1/test_helpers/issuing/personalization_designs/{id} POST/activate POST/deactivate POST/reject
  /v1/test_helpers/issuing/transactions POST/create_force_capture POST/{id}/refund
  /v1/test_helpers/issuing/transactions POST/create_unlinked_refund
  /v1/test_helpers/terminal/readers/{id} POST/present_payment_method POST/succeed_input_collection
  /v1/test_helpers/terminal/readers/{id} POST/timeout_input_collection
  /v1/test_helpers/treasury POST/received_credits POST/received_debits
  /v1/test_helpers/treasury/inbound_transfers/{id} POST/fail POST/return POST/succeed
  /v1/test_helpers/treasury/outbound_payments/{id} POST POST/fail POST/post POST/return
  /v1/test_helpers/treasury/outbound_transfers/{id} POST POST/fail POST/post POST/return
  /v2/money_management/test_helpers/financial_addresses/{id} POST/credit
  /v2/test_helpers/money_management/recipient_verifications POST
`;

/** Resources that are only read. */
export const READ_ONLY = `
  /v1/account /v1/balance /v1/balance_transactions /v1/confirmation_tokens /v1/country_specs
  /v1/events /v1/exchange_rates /v1/invoice_payments /v1/mandates /v1/payment_attempt_records
  /v1/setup_attempts /v1/tax_codes /v1/billing/credit_balance_summary
  /v1/billing/credit_balance_transactions /v1/climate/products /v1/climate/suppliers
  /v1/entitlements/active_entitlements /v1/financial_connections/transactions
  /v1/identity/verification_reports /v1/issuing/physical_bundles /v1/radar/early_fraud_warnings
  /v1/reporting/report_types /v1/sigma/scheduled_query_runs /v1/tax/associations
  /v1/treasury/received_credits /v1/treasury/received_debits /v1/treasury/transactions
  /v1/treasury/transaction_entries /v2/core/events /v2/money_management/adjustments
  /v2/money_management/payout_methods_bank_account_spec /v2/money_management/received_credits
  /v2/money_management/transaction_entries
`;
