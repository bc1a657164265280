/**
 * Refusals in the vendor's own error shape: a template of its body, filled in with what the refusal
 * says in public. Carries nothing else.
 */
import { CATALOGUE, type ErrorCode, isCapHit, type Refusal } from '../../errors.ts';
import { NumberText } from '../../json-scan.ts';
import type { Description, ErrorShape } from './schema.ts';
import { fill, namesIn, readTemplate } from './template.ts';

type ErrorClass = Exclude<keyof Description['errors'], 'default'>;

/** What a template may name. `{{status}}` alone is a number, the others are texts. */
const VALUES: Readonly<Record<string, (refusal: Refusal, callId: string) => string>> = {
  code: ({ code }) => code,
  message: ({ message }) => message,
  status: ({ code }) => String(CATALOGUE[code].status),
  remedy: ({ code }) => CATALOGUE[code].remedy,
  call_id: (_, callId) => callId,
};

/** By the code, then by the status it is answered with. */
function classOf(code: ErrorCode): ErrorClass {
  if (isCapHit(code)) return 'cap';
  if (code === 'rate_limited') return 'rate';
  const { status } = CATALOGUE[code];
  if (status === 401) return 'auth';
  if (status === 403) return 'policy';
  if (status === 409) return 'conflict';
  return status >= 500 ? 'unavailable' : 'request';
}

/** `callId`: `call_…`, or empty when the call has no row. */
export function renderRefusal(
  errors: Description['errors'],
  refusal: Refusal,
  callId: string,
): { headers: Record<string, string>; body: string } {
  const own = errors[classOf(refusal.code)];
  const { body, content_type, headers } = { ...errors.default, ...withoutAbsent(own ?? {}) };
  const value = (name: string) => VALUES[name]!(refusal, callId);
  const filled = filledIn(body, value);
  const out: Record<string, string> = { 'content-type': content_type ?? 'application/json' };
  for (const [name, template] of Object.entries(headers ?? {})) {
    out[name] = fill(template, value).replace(/[^\x20-\x7e]/g, '?');
  }
  return { headers: out, body: content_type ? String(filled) : JSON.stringify(filled) };
}

function withoutAbsent(shape: ErrorShape): Partial<ErrorShape> {
  return Object.fromEntries(Object.entries(shape).filter(([, value]) => value !== undefined));
}

/** A template's value with every name in its texts filled in; its own numbers as they were written. */
function filledIn(value: unknown, named: (name: string) => string): unknown {
  if (typeof value === 'string') {
    if (value === '{{status}}') return Number(named('status'));
    return fill(readTemplate(value), named);
  }
  if (value instanceof NumberText) return JSON.rawJSON(value.source);
  if (Array.isArray(value)) return value.map((each) => filledIn(each, named));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, filledIn(each, named)]),
  );
}

/** What is wrong with a template's value, each where it is; none when it can be filled in. */
export function faultsInBody(
  value: unknown,
  path: readonly PropertyKey[],
): { path: readonly PropertyKey[]; reason: string }[] {
  if (typeof value === 'string') {
    const reason = faultInText(value);
    return reason === null ? [] : [{ path, reason }];
  }
  if (value instanceof NumberText) {
    if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(value.source)) return [];
    return [{ path, reason: 'must be a plain number' }];
  }
  if (typeof value !== 'object' || value === null) return [];
  const entries = Array.isArray(value) ? value.entries() : Object.entries(value);
  return [...entries].flatMap(([name, each]) => faultsInBody(each, [...path, name]));
}

/** What is wrong with a text in which the values of a refusal are named, or null. */
function faultInText(text: string): string | null {
  try {
    return faultInNames(namesIn(readTemplate(text)));
  } catch (fault) {
    return (fault as Error).message;
  }
}

export function faultInNames(names: readonly string[]): string | null {
  const unknown = names.find((name) => !Object.hasOwn(VALUES, name));
  if (unknown === undefined) return null;
  return `names {{${unknown}}}; there are ${Object.keys(VALUES).join(', ')}`;
}
