/**
 * How quotes and settlements are written in a description: the forms of a measure, each known by
 * its first word (`usd`, `price`, `count`, `number`, `amount`, `function`, `sum`).
 */
import { z } from 'zod';
import { FUNCTIONS } from './functions.ts';
import type { Measure, Price } from './measure.ts';
import type { Path } from './path.ts';
import { closed, oneOrList, path, price, priceName, readAs, usd, whole } from './schema-fields.ts';

const paths = oneOrList(path);
const per = whole(1, 1_000_000_000).optional();
const atLeast = whole(0, 1_000_000).optional();

type Rule = z.ZodType<Measure>;

/** What `times` needs of a form that counts. */
function each(given: { price: Price; per?: number | undefined; at_least?: number | undefined }) {
  const { price, per = 1, at_least = 0 } = given;
  return { price, per: BigInt(per), atLeast: BigInt(at_least) };
}

/** A currency's code, or the path where it stands. */
const currency = z.unknown().transform((given, context): string | Path => {
  if (typeof given !== 'string') return readAs(closed({ field: path }), given, context).field;
  if (/^[A-Za-z]{3}$/.test(given)) return given.toLowerCase();
  context.addIssue({ code: 'custom', message: 'must be three letters such as usd, or {field: …}' });
  return z.NEVER;
});

const FORMS: Readonly<Record<string, Rule>> = {
  usd: closed({ usd }).transform(({ usd: micros }) => ({ by: 'price', price: micros }) as const),
  price: closed({ price: priceName }).transform(({ price }) => ({ by: 'price', price }) as const),
  count: closed({ count: paths, price, per, at_least: atLeast }).transform(
    ({ count, ...given }) => ({ by: 'count', of: count, ...each(given) }) as const,
  ),
  function: closed({
    function: z.string().refine((name) => FUNCTIONS.has(name), {
      error: `must be a function that there is: ${[...FUNCTIONS.keys()].join(', ')}`,
    }),
    of: paths,
    price,
    per,
    at_least: atLeast,
  }).transform(
    ({ function: name, of, ...given }) => ({ by: 'function', name, of, ...each(given) }) as const,
  ),
  number: closed({
    number: path,
    price,
    per,
    at_least: atLeast,
    absent: whole(0, 1_000_000_000).optional(),
  }).transform(({ number, absent, ...given }) => {
    const otherwise = absent === undefined ? null : BigInt(absent);
    return { by: 'number', of: number, absent: otherwise, ...each(given) } as const;
  }),
  amount: closed({
    amount: path,
    currency,
    unit: z.enum(['major', 'minor']),
    negative: z.boolean().optional(),
  }).transform(
    ({ amount, negative = false, ...given }) =>
      ({ by: 'amount', of: amount, negative, ...given }) as const,
  ),
  sum: closed({
    sum: z
      .array(z.lazy(() => measureField))
      .min(1)
      .max(20),
  }).transform(({ sum }) => ({ by: 'sum', parts: sum }) as const),
};

const NAMES = Object.keys(FORMS);

/** A measure; gives its rule. */
export const measureField: z.ZodType<Measure> = z
  .record(z.string(), z.unknown(), { error: `must have one of ${NAMES.join(', ')}` })
  .transform((given, context) => {
    const named = NAMES.filter((name) => Object.hasOwn(given, name));
    // `function` and `number` may stand beside a `price`, which is a form of its own only alone.
    const [form, ...more] = named.length > 1 ? named.filter((name) => name !== 'price') : named;
    if (form === undefined || more.length > 0) {
      const has = form === undefined ? '' : `, and has ${[form, ...more].join(' and ')}`;
      context.addIssue({ code: 'custom', message: `must have one of ${NAMES.join(', ')}${has}` });
      return z.NEVER;
    }
    return readAs(FORMS[form]!, given, context);
  });
