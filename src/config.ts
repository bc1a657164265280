/**
 * Configuration: environment variables and flags of the same names, read once into a frozen object.
 * Every setting and default stands in SETTINGS; what is not there is an error, because a misspelt
 * cap or address that is silently ignored is found out by the bill.
 */
import { z } from 'zod';
import { readBaseUrl } from './base-url.ts';
import { readDuration } from './duration.ts';
import { type Micros, parseUsd } from './money.ts';
import { Secret } from './seal.ts';

/** A setting that is missing, unknown or wrong; `message` names it and says what would be right. */
export class ConfigError extends Error {}

const baseUrl = z.string().transform((text, context) => {
  try {
    return readBaseUrl(text);
  } catch (error) {
    context.addIssue((error as Error).message);
    return z.NEVER;
  }
});

const listen = z.string().transform((text, context) => {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    context.addIssue('must be host:port, for example 127.0.0.1:8787');
    return z.NEVER;
  }
  return { host: match[1] ?? match[2]!, port };
});

const masterKey = z.string().transform((text, context) => {
  const bytes = Buffer.from(text, 'base64');
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text) || bytes.length !== 32) {
    context.addIssue(
      'must be 32 bytes in base64 (44 characters); make one: openssl rand -base64 32',
    );
    return z.NEVER;
  }
  return bytes;
});

const secret = z
  .string()
  .regex(/^\S{16,200}$/, 'must be 16 to 200 characters without spaces')
  .transform((text) => new Secret(text));

const rates = z.string().transform((text, context): { address: string } | { file: string } => {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    if (text === '') context.addIssue('must be a file or an address');
    return { file: text };
  }
  try {
    return { address: readBaseUrl(text) };
  } catch (error) {
    context.addIssue((error as Error).message);
    return z.NEVER;
  }
});

const duration = z.string().transform((text, context) => {
  try {
    return readDuration(text);
  } catch (error) {
    context.addIssue((error as Error).message);
    return z.NEVER;
  }
});

const usd = z.string().transform((text, context) => {
  try {
    return parseUsd(text);
  } catch (error) {
    context.addIssue((error as Error).message);
    return z.NEVER;
  }
});

interface Setting {
  schema: z.ZodType;
  fallback?: string;
  /** May be given as a flag; secrets may not: arguments are seen by every process. */
  flag: boolean;
  help: string;
}

const setting = (schema: z.ZodType, help: string, fallback?: string): Setting => ({
  schema,
  help,
  flag: true,
  ...(fallback === undefined ? {} : { fallback }),
});
const hidden = (schema: z.ZodType, help: string): Setting => ({ schema, help, flag: false });

/** Every setting, in the order of the documentation. */
export const SETTINGS = {
  KEYBRAKE_LISTEN: setting(listen, 'Address to listen on', '127.0.0.1:8787'),
  KEYBRAKE_DATA: setting(
    z.string().min(1, 'must name a folder'),
    'Folder of the ledger, the master key and the first API key; made with mode 0700',
    './data',
  ),
  KEYBRAKE_DATABASE_URL: setting(z.string(), 'postgres://… instead of SQLite; not available yet'),
  KEYBRAKE_MASTER_KEY: hidden(masterKey, '32 bytes in base64; made on first start when absent'),
  KEYBRAKE_API_KEY: hidden(secret, 'The first admin key; made on first start when absent'),
  KEYBRAKE_STRIPE_SECRET: hidden(
    secret,
    'Real secret of the account `stripe` / `default`, kept in memory only',
  ),
  KEYBRAKE_STRIPE_BASE_URL: setting(baseUrl, 'Where that account is', 'https://api.stripe.com'),
  KEYBRAKE_TWILIO_ACCOUNT_SID: hidden(secret, 'The account `twilio` / `default`: its SID, AC…'),
  KEYBRAKE_TWILIO_AUTH_TOKEN: hidden(secret, 'Its real auth token, kept in memory only'),
  KEYBRAKE_TWILIO_BASE_URL: setting(baseUrl, 'Where that account is', 'https://api.twilio.com'),
  KEYBRAKE_TWILIO_PRICES: setting(
    z.string().min(1, 'must name a file'),
    'File of prices that hold before the list prices of Twilio: docs/vendors/twilio.md',
  ),
  KEYBRAKE_RESEND_SECRET: hidden(
    secret,
    'Real API key of the account `resend` / `default`, kept in memory only',
  ),
  KEYBRAKE_RESEND_BASE_URL: setting(baseUrl, 'Where that account is', 'https://api.resend.com'),
  KEYBRAKE_RESEND_EMAIL_USD: setting(
    usd,
    'What Resend takes for one recipient of a mail, in dollars; its replies state no price',
    '0.0009',
  ),
  KEYBRAKE_RATES: setting(
    rates,
    'Exchange rates, a JSON file or an https address; absent: other currencies than dollars are refused',
  ),
  KEYBRAKE_RATES_MAX_AGE: setting(
    duration,
    'How old the day of a rate may be: 4d, because none are published at weekends',
    '4d',
  ),
  KEYBRAKE_VENDORS: setting(
    z.string().min(1, 'must name a folder'),
    'Folder of descriptions of further vendors, *.yaml: docs/vendors/declare.md',
  ),
  KEYBRAKE_SANDBOX: setting(
    z.enum(['0', '1'], { error: 'must be 0 or 1' }),
    '1: an account `sandbox` on a built-in fake vendor; 0: none; absent: 1 while no real account is known',
  ),
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

export interface EnvironmentAccount {
  readonly vendor: string;
  readonly baseUrl: string;
  /** By the vendor's names of them. */
  readonly fields: Readonly<Record<string, Secret>>;
}

/** Which settings make an account: its address, and its credentials by the vendor's names. */
export const ACCOUNT_SETTINGS = {
  stripe: { baseUrl: 'KEYBRAKE_STRIPE_BASE_URL', fields: { secret: 'KEYBRAKE_STRIPE_SECRET' } },
  twilio: {
    baseUrl: 'KEYBRAKE_TWILIO_BASE_URL',
    fields: {
      account_sid: 'KEYBRAKE_TWILIO_ACCOUNT_SID',
      auth_token: 'KEYBRAKE_TWILIO_AUTH_TOKEN',
    },
  },
  resend: { baseUrl: 'KEYBRAKE_RESEND_BASE_URL', fields: { secret: 'KEYBRAKE_RESEND_SECRET' } },
} as const satisfies Record<
  string,
  { baseUrl: SettingName; fields: Readonly<Record<string, SettingName>> }
>;

export interface Config {
  readonly listen: { readonly host: string; readonly port: number };
  readonly dataDir: string;
  readonly masterKey: Buffer | null;
  readonly apiKey: Secret | null;
  /** The accounts `default` that the environment gives, of vendors whose credentials are all there. */
  readonly accounts: readonly EnvironmentAccount[];
  /** File of Twilio's prices; null: the list prices alone. */
  readonly twilioPrices: string | null;
  /** What Resend takes for one recipient of a mail. */
  readonly resendEmailPrice: Micros;
  /** Where exchange rates come from; null: nowhere. */
  readonly rates: { readonly address: string } | { readonly file: string } | null;
  readonly ratesMaxAgeMs: number;
  /** The folder of the operator's own vendor descriptions. */
  readonly vendorsDir: string | null;
  /** Null: on when no real account is stored. */
  readonly sandbox: boolean | null;
}

const NOT_YET = /^KEYBRAKE_DATABASE_URL/;

/** `--database-url` for KEYBRAKE_DATABASE_URL. */
export function flagOf(name: SettingName): string {
  return `--${name.slice('KEYBRAKE_'.length).toLowerCase().replaceAll('_', '-')}`;
}

/**
 * Reads the settings. `flags`: by setting name (`KEYBRAKE_LISTEN`), they win over the environment.
 * Throws ConfigError with every fault at once.
 */
export function readConfig(env: NodeJS.ProcessEnv, flags: Record<string, string> = {}): Config {
  const faults: string[] = [];
  const given: Record<string, string> = {};
  for (const [name, value] of [...Object.entries(env), ...Object.entries(flags)]) {
    if (name.startsWith('KEYBRAKE_') && value !== undefined) given[name] = value;
  }
  for (const name of Object.keys(given)) {
    if (!(name in SETTINGS)) faults.push(`${name} is not a setting${nearest(name)}`);
    else if (NOT_YET.test(name)) faults.push(`${name} is not available in this version`);
  }
  const read: Record<string, unknown> = {};
  for (const [name, { schema, fallback }] of Object.entries(SETTINGS) as [string, Setting][]) {
    const text = given[name] ?? fallback;
    if (text === undefined) continue;
    const result = schema.safeParse(text);
    if (result.success) read[name] = result.data;
    else faults.push(`${name} ${result.error.issues[0]!.message}`);
  }
  const accounts = accountsIn(given, read, faults);
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return Object.freeze({
    listen: read.KEYBRAKE_LISTEN as Config['listen'],
    dataDir: read.KEYBRAKE_DATA as string,
    masterKey: (read.KEYBRAKE_MASTER_KEY as Buffer | undefined) ?? null,
    apiKey: (read.KEYBRAKE_API_KEY as Secret | undefined) ?? null,
    accounts,
    twilioPrices: (read.KEYBRAKE_TWILIO_PRICES as string | undefined) ?? null,
    resendEmailPrice: read.KEYBRAKE_RESEND_EMAIL_USD as Micros,
    rates: (read.KEYBRAKE_RATES as Config['rates'] | undefined) ?? null,
    ratesMaxAgeMs: read.KEYBRAKE_RATES_MAX_AGE as number,
    vendorsDir: (read.KEYBRAKE_VENDORS as string | undefined) ?? null,
    sandbox: given.KEYBRAKE_SANDBOX === undefined ? null : given.KEYBRAKE_SANDBOX === '1',
  });
}

/** Half of an account's credentials is a fault: its calls would be refused, one by one. */
function accountsIn(
  given: Readonly<Record<string, string>>,
  read: Readonly<Record<string, unknown>>,
  faults: string[],
): EnvironmentAccount[] {
  const accounts: EnvironmentAccount[] = [];
  for (const [vendor, { baseUrl, fields }] of Object.entries(ACCOUNT_SETTINGS)) {
    const names: [field: string, setting: string][] = Object.entries(fields);
    const absent = names.filter(([, name]) => given[name] === undefined);
    if (absent.length === names.length) continue;
    for (const [, name] of absent) {
      const others = names.map(([, each]) => each).filter((each) => each !== name);
      faults.push(`${name} is required beside ${others.join(' and ')}`);
    }
    const secrets = names.map(([field, name]) => [field, read[name] as Secret]);
    accounts.push({
      vendor,
      baseUrl: read[baseUrl] as string,
      fields: Object.fromEntries(secrets) as Record<string, Secret>,
    });
  }
  return accounts;
}

function nearest(name: string): string {
  const known = Object.keys(SETTINGS).find(
    (each) => each.startsWith(name) || name.startsWith(each) || sameLetters(each, name),
  );
  return known ? `; did you mean ${known}?` : `; known: ${Object.keys(SETTINGS).join(', ')}`;
}

/** A transposed, doubled or missing letter. */
function sameLetters(a: string, b: string): boolean {
  const sorted = (text: string) => [...new Set(text)].sort().join('');
  return Math.abs(a.length - b.length) <= 1 && sorted(a) === sorted(b);
}
