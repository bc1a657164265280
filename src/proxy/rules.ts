/**
 * The key's rules on request fields: `{"customer": {"in": ["cus_1"]}, "amount": {"max": 5000}}`.
 * A rule speaks of a field that is there: of the field itself and, when it is a list, of each of its
 * elements; `[*]` in a name stands for every element. A call that creates or sends something must
 * also carry each field that is held to certain values: leaving it out would be a way around it.
 */
import { type Refusal, refusal } from '../errors.ts';
import type { ParamRule } from '../ledger/ledger.ts';
import { inMailDomain, parseMailAddress } from '../mail-address.ts';
import type { Reading } from '../vendors/vendor.ts';

/** Why the key does not allow these values; null when it does. */
export function brokenRule(
  rules: Readonly<Record<string, ParamRule>>,
  reading: Reading,
): Refusal | null {
  for (const name in rules) {
    const message = fault(name, rules[name]!, reading);
    if (message !== null) return refusal('scope_not_allowed', message);
  }
  return null;
}

function fault(name: string, rule: ParamRule, reading: Reading): string | null {
  let found = false;
  for (const [field, value] of valuesOf(name, reading.fields)) {
    if (value === null) return `This key has a rule on ${name}, so ${field} must not be there.`;
    const message = broken(field, rule, value);
    if (message !== null) return message;
    found = true;
  }
  return found ? null : absent(name, rule, reading);
}

/** The fields that a rule's name covers; null for one below it, which the rule could not judge. */
function* valuesOf(
  name: string,
  fields: Reading['fields'],
): Iterable<[field: string, value: string | null]> {
  const parts = name.split('[*]');
  const value = parts.length === 1 ? fields.get(name) : undefined;
  if (value !== undefined) {
    yield [name, value];
    return; // a value has no elements: the readers of requests see to that
  }
  const steps = parts.map((part) => part.replace(/\W/g, '\\$&')).join('\\[[^[\\]]*\\]');
  const covered = new RegExp(`^${steps}(?:(?:\\[\\d+\\])?$|(?=\\[))`);
  for (const [field, each] of fields) {
    if (!field.startsWith(parts[0]!)) continue;
    const match = covered.exec(field);
    if (match) yield [field, match[0].length === field.length ? each : null];
  }
}

function absent(name: string, rule: ParamRule, reading: Reading): string | null {
  const held = only(rule);
  if (held === null || !/\.(?:create|send)$/.test(reading.operation ?? '')) return null;
  if (reading.class !== 'priced' && reading.class !== 'unpriced') return null;
  return `This key allows ${name} ${held}; the request does not say ${name}.`;
}

function broken(name: string, rule: ParamRule, value: string): string | null {
  if (!allows(rule, value)) {
    return `This key allows ${name} ${only(rule)}, not "${value.slice(0, 100)}".`;
  }
  if (rule.max === undefined && rule.min === undefined) return null;
  if (!/^-?\d{1,15}$/.test(value)) return `This key bounds ${name}, which must be a whole number.`;
  const amount = Number(value);
  if (rule.max !== undefined && amount > rule.max) {
    return `This key allows ${name} up to ${rule.max}, not ${value}.`;
  }
  if (rule.min !== undefined && amount < rule.min) {
    return `This key allows ${name} from ${rule.min}, not ${value}.`;
  }
  return null;
}

function allows(rule: ParamRule, value: string): boolean {
  if (rule.in && !rule.in.includes(value)) return false;
  if (rule.prefix && !rule.prefix.some((prefix) => value.startsWith(prefix))) return false;
  if (!rule.domain) return true;
  // What is no single address may be read as several, of which one is elsewhere.
  const address = parseMailAddress(value);
  return address !== null && rule.domain.some((domain) => inMailDomain(address.domain, domain));
}

/** The values that a rule holds a field to, in words; null when it holds it to none. */
function only({ in: values, prefix, domain }: ParamRule): string | null {
  const parts: string[] = [];
  if (values) parts.push(`in [${values.join(', ')}]`);
  if (prefix) parts.push(`that begins with [${prefix.join(', ')}]`);
  if (domain) parts.push(`as one address at [${domain.join(', ')}]`);
  return parts.length === 0 ? null : parts.join(' and ');
}
