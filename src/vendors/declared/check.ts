/**
 * What the fields of a description mean together, once each has its form: prices and credentials
 * that are named exist, a priced endpoint says what it costs, no endpoint hides another. Gathers
 * every fault.
 */
import { headerOfPlace } from '../../credential.ts';
import { endpointCovers } from '../endpoints.ts';
import type { Measure, Price } from './measure.ts';
import type { Path } from './path.ts';
import { faultInNames, faultsInBody } from './refusal.ts';
import type { Description, Endpoint, Settle } from './schema.ts';
import { namesIn } from './template.ts';

export interface RuleFault {
  readonly path: readonly PropertyKey[];
  readonly reason: string;
}

/** The fields of an account that are not its credentials. */
const NO_CREDENTIALS = ['vendor', 'account', 'base_url'];
const MAX_CREDENTIALS = 8;

export function check(description: Description): RuleFault[] {
  const checking = new Checking(description);
  checking.credentials();
  checking.headers();
  checking.errors();
  for (const [index, endpoint] of description.endpoints.entries())
    checking.endpoint(endpoint, index);
  return checking.faults;
}

class Checking {
  readonly faults: RuleFault[] = [];
  readonly #description: Description;
  readonly #names = new Set<string>();

  constructor(description: Description) {
    this.#description = description;
  }

  fault(path: readonly PropertyKey[], reason: string): void {
    this.faults.push({ path, reason });
  }

  credentials(): void {
    const { credentials, auth_out } = this.#description;
    const known = Object.keys(credentials);
    if (known.length === 0 || known.length > MAX_CREDENTIALS) {
      this.fault(['credentials'], `must have 1 to ${MAX_CREDENTIALS} entries`);
    }
    for (const name of known) {
      if (NO_CREDENTIALS.includes(name)) {
        this.fault(['credentials', name], 'must have another name: an account has such a field');
      }
    }
    const { bearer, basic, headers = {} } = auth_out;
    const sent = [
      ...(bearer ? [{ path: ['auth_out', 'bearer'], template: bearer }] : []),
      ...(basic ? [{ path: ['auth_out', 'basic', 'user'], template: basic.user }] : []),
      ...(basic ? [{ path: ['auth_out', 'basic', 'password'], template: basic.password }] : []),
      ...Object.entries(headers).map(([name, template]) => ({
        path: ['auth_out', 'headers', name],
        template,
      })),
    ];
    if (bearer && basic) this.fault(['auth_out', 'basic'], 'must not stand beside bearer');
    const used = new Set<string>();
    for (const { path, template } of sent) {
      for (const name of namesIn(template)) {
        used.add(name);
        if (!known.includes(name)) {
          this.fault(
            path,
            `names {{${name}}}, which is no credential; there are ${known.join(', ')}`,
          );
        }
      }
    }
    for (const name of known) {
      if (!used.has(name)) this.fault(['credentials', name], 'is not sent anywhere by auth_out');
    }
  }

  headers(): void {
    const { auth_in = [], auth_out, headers = {}, idempotency } = this.#description;
    const auth = new Set([...auth_in.map(headerOfPlace), ...Object.keys(auth_out.headers ?? {})]);
    for (const [field, names] of Object.entries(headers)) {
      for (const [index, name] of (names ?? []).entries()) {
        if (auth.has(name))
          this.fault(['headers', field, index], 'is a header of credentials already');
      }
    }
    if (typeof idempotency === 'object' && auth.has(idempotency.header)) {
      this.fault(['idempotency', 'header'], 'is a header of credentials already');
    }
  }

  errors(): void {
    const { errors } = this.#description;
    if (errors.default.body === undefined) {
      this.fault(['errors', 'default', 'body'], 'is required: what a refusal looks like');
    }
    for (const [name, shape] of Object.entries(errors)) {
      const { body, content_type, headers = {} } = shape ?? {};
      if (typeof body === 'string' && content_type === undefined) {
        this.fault(['errors', name, 'body'], 'is a text, so it needs a content_type');
      }
      if (content_type !== undefined && typeof body !== 'string') {
        this.fault(['errors', name, 'content_type'], 'is for a body that is a text');
      }
      for (const { path, reason } of faultsInBody(body, ['errors', name, 'body'])) {
        this.fault(path, reason);
      }
      for (const [header, template] of Object.entries(headers)) {
        const reason = faultInNames(namesIn(template));
        if (reason !== null) this.fault(['errors', name, 'headers', header], reason);
      }
    }
  }

  endpoint(endpoint: Endpoint, index: number): void {
    const at = (...steps: PropertyKey[]) => ['endpoints', index, ...steps];
    const { name, quote, settle, object, match } = endpoint;
    const { endpoints } = this.#description;
    const before = endpoints.slice(0, index).find((other) => endpointCovers(other.match, match));
    if (before) this.fault(at('match'), `is never reached: \`${before.match}\` above takes it`);
    if (name !== undefined && this.#names.has(name)) this.fault(at('name'), 'is given twice');
    if (name !== undefined) this.#names.add(name);

    const priced = quote !== undefined && quote !== 'free';
    if (endpoint.class === 'priced' && !priced) {
      this.fault(at('quote'), 'is required: what a priced endpoint costs');
    }
    if ((endpoint.class === 'free' || endpoint.class === 'unpriced') && quote !== undefined) {
      this.fault(at('quote'), `must not stand beside the class ${endpoint.class}`);
    }
    if (settle !== undefined && !priced) this.fault(at('settle'), 'must not stand without a quote');
    if (name === undefined && (priced || object !== undefined)) {
      this.fault(at('name'), 'is required: the reply is read by it');
    }
    if (priced) this.#prices(quote.rule, at('quote'));
    if (settle !== undefined && settle !== 'quote') this.#settle(settle, endpoint, at('settle'));
  }

  #settle({ cost, each, later }: Settle, { object }: Endpoint, path: PropertyKey[]): void {
    if (typeof cost === 'object') this.#prices(cost, [...path, 'cost']);
    if (each !== undefined) {
      for (const side of ['request', 'reply'] as const) {
        if (!isList(each[side]))
          this.fault([...path, 'each', side], 'must be one list, as in items[*]');
      }
      if (cost !== undefined && cost !== 'quote') {
        this.fault([...path, 'each'], 'must not stand beside a cost of its own');
      }
    }
    if (later === undefined) return;
    if (cost !== undefined) this.fault([...path, 'later'], 'must not stand beside a cost');
    if (each !== undefined) this.fault([...path, 'later'], 'must not stand beside each');
    if (object === undefined) this.fault([...path, 'later'], 'needs `object`: the id to look for');
    if (later.cost !== 'quote') this.#prices(later.cost, [...path, 'later', 'cost']);
  }

  #prices(rule: Measure, path: readonly PropertyKey[]): void {
    if (rule.by === 'sum') {
      for (const [index, part] of rule.parts.entries()) this.#prices(part, [...path, 'sum', index]);
    } else if (rule.by !== 'amount') this.#price(rule.price, [...path, 'price']);
  }

  #price(price: Price, path: readonly PropertyKey[]): void {
    const known = Object.keys(this.#description.prices ?? {});
    if (typeof price !== 'string' || known.includes(price)) return;
    this.fault(path, `names no price; there are ${known.join(', ') || 'none'} under \`prices\``);
  }
}

/** One list of the document and no list in it. */
function isList({ steps }: Path): boolean {
  return steps.at(-1) === 'each' && steps.filter((step) => step === 'each').length === 1;
}
