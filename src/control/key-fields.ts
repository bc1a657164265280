/**
 * The fields of a vault key as they are sent: their forms and limits, each on its own. What they
 * mean together and beside what is stored is key-policy.ts.
 */
import { z } from 'zod';
import { checkMailDomain } from '../mail-address.ts';
import { holdsCredential } from '../secrecy.ts';
import { checkEndpointPattern } from '../vendors/endpoints.ts';
import {
  accountName,
  count,
  duration,
  label,
  plainText,
  rateLimit,
  time,
  usd,
  vendorName,
} from './fields.ts';
import { handleField } from './paging.ts';
import type { Shape } from './read-fields.ts';

const MAX_ENDPOINTS = 200;
const MAX_RULES = 50;
const MAX_METADATA = 50;
const MAX_ACCOUNTS = 50;

const endpoint = z
  .string()
  .max(500)
  .superRefine((pattern, context) => {
    const wrong = holdsCredential(pattern)
      ? 'must not hold a credential'
      : checkEndpointPattern(pattern);
    if (wrong !== null) context.addIssue({ code: 'custom', message: wrong });
  });

const endpoints = z
  .array(endpoint)
  .min(1)
  .max(MAX_ENDPOINTS)
  .meta({
    description:
      '`POST /v1/payment_intents`, `payment_intents.create`, `payment_intents.*` or `/v1/charges`; ' +
      '{name} and * stand for one segment, /** at the end for the rest.',
  });

/** Beyond 2^53 a number is no longer the one that was written. */
const bound = z.number().min(-Number.MAX_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);

const mailDomain = plainText(253).superRefine((domain, context) => {
  const wrong = checkMailDomain(domain);
  if (wrong !== null) context.addIssue({ code: 'custom', message: wrong });
});

const anyOf = (value: z.ZodType<string>) => z.array(value).min(1).max(200).optional();

const paramRule = z
  .strictObject({
    in: anyOf(plainText(500)),
    max: bound.optional(),
    min: bound.optional(),
    prefix: anyOf(plainText(500, { trimmed: false })),
    domain: anyOf(mailDomain),
  })
  .superRefine((rule, context) => {
    const { max, min } = rule;
    const message = Object.values(rule).every((each) => each === undefined)
      ? 'must have a rule: in, max, min, prefix or domain'
      : max !== undefined && min !== undefined && min > max
        ? 'must not have a min above its max'
        : undefined;
    if (message) context.addIssue({ code: 'custom', message });
  });

function atMost<T extends z.ZodType<Record<string, unknown>>>(schema: T, entries: number) {
  return schema.refine((value) => Object.keys(value).length <= entries, {
    error: `must have at most ${entries} entries`,
  });
}

/** A name as requests have it, `to` or `metadata[run]`; `[*]` in it stands for every element. */
const FIELD = /^(?:[A-Za-z0-9_.[\]%-]|(?<=\[)\*(?=\])){1,100}$/;

const params = atMost(z.record(z.string(), paramRule), MAX_RULES)
  .superRefine((rules, context) => {
    for (const field of Object.keys(rules)) {
      if (FIELD.test(field) && !holdsCredential(field)) continue;
      context.addIssue({ code: 'custom', message: 'must have request field names only' });
    }
  })
  .meta({
    description:
      'Rules on request fields, by name: {"amount": {"max": 5000}}. A name covers the elements of ' +
      'a list too; [*] in it stands for every element.',
  });

/** Gives the prices by their entries. */
const prices = z
  .array(z.strictObject({ endpoint, price_usd: usd }))
  .max(MAX_ENDPOINTS)
  .transform((entries, context): Record<string, bigint> => {
    const byEntry: Record<string, bigint> = {};
    for (const [index, entry] of entries.entries()) {
      if (Object.hasOwn(byEntry, entry.endpoint)) {
        const message = 'must not name an endpoint that stands before';
        context.addIssue({ code: 'custom', path: [index, 'endpoint'], message });
      }
      byEntry[entry.endpoint] = entry.price_usd;
    }
    return byEntry;
  })
  .meta({
    description:
      'What a call costs that nobody else has a price for, by an entry as in allowed_endpoints: ' +
      '[{"endpoint": "POST /v1/checkout/sessions", "price_usd": 50}]. Of several that cover a call the dearest counts.',
  });

/** A header's value whole; of Stripe's, key-policy.ts knows more. */
const onBehalfOf = z
  .array(plainText(100).refine((id) => /^[\x21-\x7e]+$/.test(id), 'must be an id without blanks'))
  .max(MAX_ACCOUNTS)
  .refine((accounts) => new Set(accounts).size === accounts.length, 'must not name one twice')
  .meta({
    description:
      'Accounts that the key may act for by a header, as acct_... by Stripe-Account. Without it the ' +
      'key acts for the vendor account itself alone.',
  });

const metadata = atMost(z.record(z.string(), plainText(500)), MAX_METADATA).superRefine(
  (entries, context) => {
    for (const name of Object.keys(entries)) {
      if (plainText(100).safeParse(name).success) continue;
      context.addIssue({ code: 'custom', message: 'must have plain names of 1 to 100 characters' });
    }
  },
);

/** The body of POST /vault/keys. */
export function issueFields(vendors: readonly string[]) {
  return {
    ...childFields(vendors),
    parent: handleField('key', "another key's id").optional(),
  } satisfies Shape;
}

/** The body of POST /vault/self/keys: the parent is who asks. */
export function childFields(vendors: readonly string[]) {
  const vendor = vendorName(vendors);
  return {
    agent_run_label: label,
    vendor: vendor.optional(),
    vendors: z.array(vendor).min(1).max(20).optional(),
    account: accountName.optional().meta({
      description: '`default` when it is not given; `sandbox` when only that one is stored.',
    }),
    daily_usd_cap: usd.optional(),
    total_usd_cap: usd.optional(),
    per_call_usd_cap: usd.optional(),
    max_calls: count.optional(),
    rate_limit: rateLimit.optional(),
    allowed_endpoints: endpoints.optional(),
    params: params.optional(),
    on_behalf_of: onBehalfOf.optional(),
    prices: prices.optional(),
    may_delegate: z.boolean().optional().meta({
      description: 'Whether the run may issue narrower keys under its own: POST /vault/self/keys.',
    }),
    expires_in: duration.optional().meta({ description: '24h when no expiry is given.' }),
    expires_at: time.optional(),
    mode: z.enum(['enforce', 'shadow']).optional(),
    metadata: metadata.optional(),
  } satisfies Shape;
}

/** The body of PATCH /vault/keys/{id}; null takes a limit away. */
export const changeFields = {
  daily_usd_cap: usd.nullable().optional(),
  total_usd_cap: usd.nullable().optional(),
  per_call_usd_cap: usd.nullable().optional(),
  max_calls: count.nullable().optional(),
  allowed_endpoints: endpoints.nullable().optional(),
  expires_in: duration.optional(),
  expires_at: time.optional(),
} satisfies Shape;
