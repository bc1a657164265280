/**
 * The key's rules on request fields: `{"customer": {"in": ["cus_1"]}, "amount": {"max": 5000}}`.
 * A rule speaks of a field that is there. A call that creates something must also carry each field
 * that has an `in` rule: leaving it out would be a way around it.
 */
import { type Refusal, refusal } from '../errors.ts';
import type { ParamRule } from '../ledger/ledger.ts';
import type { Reading } from '../vendors/vendor.ts';

/** Why the key does not allow these values; null when it does. */
export function brokenRule(
  rules: Readonly<Record<string, ParamRule>>,
  reading: Reading,
): Refusal | null {
  for (const name in rules) {
    const rule = rules[name]!;
    const value = reading.fields.get(name);
    const message = value === undefined ? absent(name, rule, reading) : broken(name, rule, value);
    if (message) return refusal('scope_not_allowed', message);
  }
  return null;
}

function absent(name: string, rule: ParamRule, reading: Reading): string | null {
  if (!rule.in || reading.class !== 'priced' || !reading.operation?.endsWith('.create'))
    return null;
  return `This key allows ${name} in [${rule.in.join(', ')}]; the request does not say ${name}.`;
}

function broken(name: string, rule: ParamRule, value: string): string | null {
  if (rule.in && !rule.in.includes(value)) {
    return `This key allows ${name} in [${rule.in.join(', ')}], not "${value.slice(0, 100)}".`;
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
