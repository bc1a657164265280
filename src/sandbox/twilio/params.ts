/**
 * Reads a Twilio request's parameters the way a lenient vendor would: query and body are one list,
 * and of a parameter given twice the last value wins, unless it is one that may be repeated. On
 * purpose: a proxy that reads it otherwise is found out by what is billed here.
 */
export class Params {
  readonly #values: URLSearchParams;

  /** `query` without the `?`. */
  constructor(query: string, body: string) {
    this.#values = new URLSearchParams(`${query}&${body}`);
  }

  /** Undefined when it is absent or empty. */
  text(name: string): string | undefined {
    return this.raw(name) || undefined;
  }

  /** Empty when it was given empty. */
  raw(name: string): string | undefined {
    return this.#values.getAll(name).at(-1);
  }

  /** Of a parameter that may be repeated (`MediaUrl=a&MediaUrl=b`), in order, without empty ones. */
  list(name: string): string[] {
    return this.#values.getAll(name).filter((value) => value !== '');
  }

  /** A whole number of at least `least`; the default for anything else. */
  count(name: string, otherwise: number, least = 0): number {
    const text = this.text(name);
    if (text === undefined || !/^\d{1,9}$/.test(text)) return otherwise;
    return Math.max(least, Number(text));
  }

  /** As a query, without these. */
  without(...names: string[]): URLSearchParams {
    const rest = new URLSearchParams(this.#values);
    for (const name of names) rest.delete(name);
    return rest;
  }
}
