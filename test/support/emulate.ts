/**
 * emulate (Apache-2.0): stateful stand-ins for Twilio and Resend that nobody here wrote, on loopback.
 * They start empty but for what is named here. Not for Stripe, where emulate ignores idempotency
 * keys, and no oracle of money: its Twilio never states a price, counts a segment for each 160
 * characters of any alphabet, and answers a Verification to a number that has one pending with that
 * one.
 */
import { join } from 'node:path';
import type { NpmTools } from './npm-tools.ts';
import { freePort, listening, stay } from './process.ts';

export type EmulatedVendor = 'twilio' | 'resend';

export interface Emulate<Vendor extends EmulatedVendor> {
  /**
   * Where each vendor is. Twilio's other products are a segment more (`/verify/v2/...`), and it has
   * no Lookups.
   */
  urls: Record<Vendor, string>;
  /** What they have printed so far. */
  output(): string;
  close(): Promise<void>;
}

const zeros = (prefix: string) => prefix + '0'.repeat(32);

/** The account that Twilio has from the start. Resend takes any key. */
export const EMULATED_TWILIO = {
  accountSid: zeros('AC'),
  authToken: 'twilio_test_auth_token',
  apiKeySid: zeros('SK'),
  apiKeySecret: 'twilio_test_api_secret',
  /** The only number that it sends from. */
  from: '+15551234567',
  messagingServiceSid: zeros('MG'),
  verifyServiceSid: zeros('VA'),
} as const;

/** Starts these vendors with empty books, in one process. */
export async function startEmulate<Vendor extends EmulatedVendor>(
  tools: NpmTools,
  vendors: readonly Vendor[],
): Promise<Emulate<Vendor>> {
  const script = join(import.meta.dirname, 'serve-emulate.ts');
  const ports = new Map<Vendor, number>();
  for (const vendor of vendors) ports.set(vendor, await freePort());
  const orders = [...ports].map(([vendor, port]) => `${vendor}=${port}`);
  const server = stay(process.execPath, [script, tools.folder, ...orders]);
  for (const port of ports.values()) await listening(port, server);
  const urls = [...ports].map(([vendor, port]) => [vendor, `http://127.0.0.1:${port}`]);
  return {
    urls: Object.fromEntries(urls) as Record<Vendor, string>,
    output: server.output,
    close: () => server.stop(),
  };
}
