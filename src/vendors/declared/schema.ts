/**
 * The shape of a description, field by field: what may stand there and in which form. Strict:
 * what is not here is an error. What fields mean together is check.ts.
 */
import { z } from 'zod';
import { readBaseUrl } from '../../base-url.ts';
import { NumberText } from '../../json-scan.ts';
import { parsed } from '../../shape.ts';
import { checkEndpointPattern } from '../endpoints.ts';
import { measureField } from './measure-schema.ts';
import { type Path, readPath } from './path.ts';
import {
  closed,
  credentialName,
  duration,
  header,
  oneOrList,
  path,
  place,
  priceName,
  readAs,
  size,
  usd,
  whole,
  wordOr,
} from './schema-fields.ts';
import { readTemplate } from './template.ts';

const text = z.string().min(1).max(500);
const list = <T extends z.ZodType>(of: T) => z.array(of).min(1).max(200);

/** Names that begin a path of Keybrake's own. */
const TAKEN = ['vault', 'healthz', 'readyz', 'metrics'];

const vendor = parsed((name) => {
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
    throw new Error('must be a name: lower-case letters, digits and -, beginning with a letter');
  }
  if (TAKEN.includes(name)) throw new Error("must not be the name of one of Keybrake's own paths");
  return name;
}, {});

const address = parsed(readBaseUrl, {});

/** The beginning of a path that goes to another host: `/eu`. */
const prefix = z.string().regex(/^\/[A-Za-z0-9_-]+$/, 'must be one segment such as /verify');

const credential = closed({
  form: parsed((pattern) => {
    try {
      return new RegExp(`^(?:${pattern})$`, 'u');
    } catch {
      throw new Error('must be a regular expression');
    }
  }, {}).optional(),
  says: text.optional(),
  public: z.boolean().optional(),
});

/** Text for a header, with names in it: `{{secret}}`. */
const headerText = parsed((template) => {
  if (!/^[\x20-\x7e]{1,500}$/.test(template)) {
    throw new Error('must be 1 to 500 printable ASCII characters');
  }
  return readTemplate(template);
}, {});

const authOut = closed({
  bearer: headerText.optional(),
  basic: closed({ user: headerText, password: headerText }).optional(),
  headers: z.record(header, headerText).optional(),
});

const scalar = z.union(
  [z.string(), z.boolean(), z.custom<NumberText>((v) => v instanceof NumberText)],
  {
    error: 'must be a text, a number, true or false',
  },
);

/** What a reply must say: a path and the value there, or one of several. */
export interface Condition {
  readonly path: Path;
  readonly values: readonly string[];
}

const conditions = z
  .record(z.string(), z.union([scalar, list(scalar)], { error: 'must be a value or a list' }))
  .transform((given, context): Condition[] =>
    Object.entries(given).flatMap(([written, value]) => {
      const values = (Array.isArray(value) ? value : [value]).map((each) =>
        each instanceof NumberText ? each.source : String(each),
      );
      try {
        return [{ path: readPath(written), values }];
      } catch (fault) {
        const { message } = fault as Error;
        context.addIssue({ code: 'custom', path: [written], message });
        return [];
      }
    }),
  );

/** Where a call's object is read: `GET /v1/messages/{id}`; gives the path. */
const look = z
  .string()
  .regex(/^GET (?:\/(?:[A-Za-z0-9_~@:.-]+|\{id\}))+$/, 'must be such as GET /v1/messages/{id}')
  .refine((line) => line.split('{id}').length === 2, { error: 'must have {id} once' })
  .transform((line) => line.slice('GET '.length));

const later = closed({
  look,
  first: duration,
  every: duration,
  for: duration,
  when: conditions,
  cost: wordOr(['quote'], measureField),
  nothing_when: conditions.optional(),
});

const settle = closed({
  status: oneOrList(whole(200, 299)).optional(),
  where: conditions.optional(),
  each: closed({ request: path, reply: path, where: conditions }).optional(),
  cost: wordOr(['quote', 'nothing'], measureField).optional(),
  later: later.optional(),
});

/** How sure a quote is; of what is counted at a price that is known, entirely. */
const KINDS = z.enum(['exact', 'bounded', 'estimated']);

/** `unless`: fields that add to the cost what the rule does not count. */
const around = z.object({ kind: KINDS.optional(), unless: oneOrList(path).optional() });

const quote = z.record(z.string(), z.unknown()).transform((given, context) => {
  const { kind, unless, ...rest } = given;
  const rule = readAs(measureField, rest, context);
  const read = readAs(around, { kind, unless }, context);
  return { kind: read.kind ?? ('exact' as const), unless: read.unless ?? [], rule };
});

const match = z.string().superRefine((pattern, context) => {
  const wrong = checkEndpointPattern(pattern);
  if (wrong !== null) context.addIssue({ code: 'custom', message: wrong });
  else if (!pattern.includes('/')) {
    context.addIssue({ code: 'custom', message: 'must be a path, with or without a method' });
  }
});

const operation = z
  .string()
  .regex(
    /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+$/,
    'must be an operation such as email.send: words of a-z, 0-9 and _ with points between them',
  );

export const endpoint = closed({
  match,
  name: operation.optional(),
  class: z.enum(['priced', 'free', 'unpriced', 'withheld']),
  quote: wordOr(['free'], quote).optional(),
  settle: wordOr(['quote'], settle).optional(),
  object: z
    .union([path, closed({ header })], { error: 'must be a path, or {header: …}' })
    .optional(),
  customer: path.optional(),
  clue: list(path).optional(),
  idempotency: z.literal('none').optional(),
});

const errorShape = closed({
  body: z.unknown().optional(),
  content_type: z
    .string()
    .regex(/^[a-z]+\/[a-z0-9.+-]+$/, 'must be such as text/xml')
    .optional(),
  headers: z.record(header, headerText).optional(),
});

/** Which refusals have a shape of their own, where the vendor's SDKs tell them apart. */
export const ERROR_CLASSES = [
  'auth',
  'policy',
  'cap',
  'rate',
  'request',
  'conflict',
  'unavailable',
] as const;

const otherErrors = Object.fromEntries(
  ERROR_CLASSES.map((name) => [name, errorShape.optional()]),
) as Record<(typeof ERROR_CLASSES)[number], z.ZodOptional<typeof errorShape>>;

export const description = closed({
  vendor,
  base_url: address,
  hosts: z.record(prefix, address).optional(),
  credentials: z.record(credentialName, credential),
  auth_in: list(place).optional(),
  auth_out: authOut,
  headers: closed({
    on_behalf_of: list(header).optional(),
    refuse: list(header).optional(),
    drop: list(header).optional(),
    identity: list(header).optional(),
  }).optional(),
  body: z.enum(['json', 'form']),
  body_limit: size.optional(),
  idempotency: wordOr(['none'], closed({ header, window: duration, replayed: header.optional() })),
  /** Fields of a query or a form that are lists by being given again. */
  lists: list(text).optional(),
  request_id: header.optional(),
  prices: z.record(priceName, usd).optional(),
  errors: closed({ default: errorShape, ...otherErrors }),
  unlisted: z.enum(['unpriced', 'withheld']).optional(),
  endpoints: z.array(endpoint).min(1).max(500),
});

/** Another file's: what an operator really pays a vendor that is described elsewhere. */
export const priceList = closed({
  prices_of: vendor,
  prices: z.record(priceName, usd),
});

export type Description = z.output<typeof description>;
export type PriceList = z.output<typeof priceList>;
export type Endpoint = z.output<typeof endpoint>;
export type Settle = z.output<typeof settle>;
export type Later = z.output<typeof later>;
export type ErrorShape = z.output<typeof errorShape>;
