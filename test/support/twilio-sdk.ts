/**
 * The official twilio-node on a server of the test's. Only what tests use of it is typed here. The
 * API host is set as its users do it (`client.api.baseUrl`); the other products have hosts of their
 * own, which only a client for HTTP can replace.
 */
import type { NpmTools } from './npm-tools.ts';

export interface TwilioOptions {
  /** The API host: `http://127.0.0.1:8787/twilio`. A product is a segment more: `/verify`. */
  base: string;
  /** Where single products are instead: `{ verify: 'http://127.0.0.1:4011' }`. */
  products?: Record<string, string>;
  /** Of HTTP Basic. Without `accountSid` it must be one. */
  username: string;
  password: string;
  accountSid?: string;
  /** Repeats a call that got 429. */
  autoRetry?: boolean;
}

type Params = Record<string, unknown>;

/** A reply's JSON with its names in camelCase. */
export interface TwilioObject {
  sid: string;
  accountSid: string;
  status: string;
  [name: string]: unknown;
}

interface Creates {
  create(params: Params): Promise<TwilioObject>;
}

interface Updates {
  fetch(): Promise<TwilioObject>;
  update(params: Params): Promise<TwilioObject>;
}

interface Lists extends Creates {
  (sid: string): Updates;
  list(params?: Params): Promise<TwilioObject[]>;
}

/** What it rejects with: RestException, or what its HTTP library threw when there was no answer. */
export interface TwilioError extends Error {
  status?: number;
  code?: number | string;
  moreInfo?: string;
  details?: object;
}

export interface TwilioClient {
  api: { baseUrl: string };
  messages: Lists;
  calls: Lists;
  verify: {
    v2: { services(sid: string): { verifications: Creates; verificationChecks: Creates } };
  };
  lookups: {
    v2: { phoneNumbers(number: string): { fetch(params?: Params): Promise<TwilioObject> } };
  };
  /** Has the reply to the last call, its headers too, whatever its status was. */
  httpClient: { lastResponse?: { statusCode: number; headers: Record<string, string> } };
}

interface SentRequest {
  uri: string;
}

interface TwilioSdk {
  (username: string, password: string, options: object): TwilioClient;
  RequestClient: new (options?: object) => { request(sent: SentRequest): Promise<unknown> };
}

export function twilioClient(tools: NpmTools, options: TwilioOptions): TwilioClient {
  const { base, products = {}, username, password, accountSid, autoRetry = false } = options;
  const sdk = tools.load('twilio') as TwilioSdk;
  class ProductClient extends sdk.RequestClient {
    override request(sent: SentRequest): Promise<unknown> {
      const uri = sent.uri.replace(
        /^https:\/\/(\w+)\.twilio\.com/,
        (_, product: string) => products[product] ?? `${base}/${product}`,
      );
      return super.request({ ...sent, uri });
    }
  }
  const httpClient = new ProductClient({ autoRetry });
  const client = sdk(username, password, { httpClient, ...(accountSid ? { accountSid } : {}) });
  client.api.baseUrl = base;
  return client;
}
