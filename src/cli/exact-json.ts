/**
 * JSON whose numbers stay as they were written. Amounts come as `0.0083` and must be shown as that,
 * so no number of a reply is ever turned into a floating point value and back.
 */
type Reviver = (
  this: unknown,
  key: string,
  value: unknown,
  context: { source?: string },
) => unknown;
// Node 24 gives a reviver the number's source text; TypeScript's library does not say so yet.
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;

/** Whether a field of this name holds an amount. */
export const isUsdName = (name: string): boolean => /_usd(_|$)/.test(name);

/** Parses a reply: amounts (`*_usd`, `*_usd_cap`) become their text, everything else its value. */
export function parseReply(text: string): unknown {
  return parse(text, (key, value, context) =>
    typeof value === 'number' && isUsdName(key) ? context.source : value,
  );
}

/** The same JSON, indented for reading, every number as it was. */
export function prettyJson(text: string): string {
  const exact = parse(text, (_key, value, context) =>
    typeof value === 'number' ? JSON.rawJSON(context.source!) : value,
  );
  return JSON.stringify(exact, null, 2);
}

/** `1234.5` as `$1,234.50`; an absent amount as `-`. */
export function dollars(amount: unknown): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(amount ?? ''));
  if (!match) return amount === null || amount === undefined ? '-' : String(amount);
  const [, sign, whole = '0', fraction = ''] = match;
  return `${sign}$${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${fraction.padEnd(2, '0')}`;
}
