/**
 * Twilio's products: each has a host of its own, and here a segment in front of its path
 * (`/verify/v2/Services`). The first API, that of messages and calls, has none: its paths begin
 * with `/2010-04-01/`. What is in neither is not Twilio's, and its secret is not sent there.
 */
import { type Refusal, refusal } from '../../errors.ts';

/** The hosts that twilio-node 6.2.0 knows, beside the first API's. */
const PRODUCTS: ReadonlySet<string> = new Set(
  (
    'accounts bulkexports chat content conversations events flex-api frontline-api iam insights ' +
    'intelligence ip-messaging knowledge lookups marketplace memory messaging monitor notify ' +
    'numbers oauth preview preview-iam pricing proxy routes serverless studio supersim sync ' +
    'taskrouter trunking trusthub verify video voice wireless'
  ).split(' '),
);

export const FIRST_API = '2010-04-01';
/** Twilio's own hosts, and those of its regions: `https://api.dublin.ie1.twilio.com`. */
const OWN_HOST = /^https:\/\/api\.((?:[a-z0-9-]+\.){0,2}twilio\.com)$/;

export interface Place {
  /** `api` for the first API. */
  readonly product: string;
  /** The path at the product's own host. */
  readonly path: string;
}

/** Which product a path leads to, or why to none. */
export function placeOf(path: string): Place | Refusal {
  const [, first = ''] = path.split('/', 2);
  if (first === FIRST_API) return { product: 'api', path };
  if (PRODUCTS.has(first)) return { product: first, path: path.slice(first.length + 1) || '/' };
  const known = `/${FIRST_API}/, or by a product such as /verify/ or /lookups/`;
  return refusal('endpoint_not_allowed', `Begin the path by ${known}: Twilio has no other here.`);
}

/**
 * Where a product's requests go. `base` is the account's address, which stands for the first API:
 * of Twilio's own hosts the product has a neighbour, behind any other address it has a segment.
 */
export function baseUrlOf(base: string, product: string): string {
  if (product === 'api') return base;
  const own = OWN_HOST.exec(base);
  return own ? `https://${product}.${own[1]}` : `${base}/${product}`;
}
