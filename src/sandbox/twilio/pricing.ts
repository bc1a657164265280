/**
 * The Pricing API: v1 for messages, v2 for calls. It states the list, which is not always what is
 * billed: a carrier's fee is in no list, and the sandbox can be given other prices.
 */

import { type Context, found, type Handler, type Outcome } from './context.ts';
import { COUNTRIES, type Country, countryOf } from './countries.ts';
import { notFound } from './errors.ts';
import { readNumber } from './numbers.ts';
import { listedMinute, listedPrice } from './prices.ts';

const MESSAGING = 'https://pricing.twilio.com/v1/Messaging/Countries';
const VOICE = 'https://pricing.twilio.com/v2/Voice/Countries';

export const listMessagingCountries = listCountries(MESSAGING);
export const listVoiceCountries = listCountries(VOICE);

export function readMessagingCountry(context: Context): Outcome {
  const { name, iso, carriers } = countryNamed(context);
  return found({
    country: name,
    iso_country: iso,
    price_unit: 'USD',
    inbound_sms_prices: [{ number_type: 'local', ...price(7_500n) }],
    outbound_sms_prices: carriers.map(({ carrier, mcc, mnc, prices }) => ({
      carrier,
      mcc,
      mnc,
      prices: Object.entries(prices).map(([number_type, micros]) => ({
        number_type,
        ...price(micros),
      })),
    })),
    url: `${MESSAGING}/${iso}`,
  });
}

export function readVoiceCountry(context: Context): Outcome {
  const { name, iso, voice } = countryNamed(context);
  return found({
    country: name,
    iso_country: iso,
    price_unit: 'USD',
    inbound_call_prices: [{ number_type: 'local', ...price(8_500n) }],
    outbound_prefix_prices: voice.map((row) => ({
      friendly_name: `Programmable Outbound Minute - ${row.name}`,
      destination_prefixes: row.prefixes,
      origination_prefixes: ['ALL'],
      ...price(row.micros),
    })),
    url: `${VOICE}/${iso}`,
  });
}

export function readVoiceNumber({ names, params, path }: Context): Outcome {
  const number = readNumber(names[0] ?? '');
  const country = number ? countryOf(number) : undefined;
  if (!number || !country) throw notFound(path);
  return found({
    destination_number: number,
    origination_number: params.text('OriginationNumber') ?? null,
    country: country.name,
    iso_country: country.iso,
    inbound_call_price: { base_price: null, current_price: null, number_type: null },
    outbound_call_prices: [{ origination_prefixes: ['ALL'], ...price(listedMinute(number)) }],
    price_unit: 'USD',
    url: `https://pricing.twilio.com/v2/Voice/Numbers/${number}`,
  });
}

/** All on one page: the address of a next one would lead out of the sandbox. */
function listCountries(url: string): Handler {
  return () =>
    found({
      countries: COUNTRIES.map(({ name, iso }) => ({
        country: name,
        iso_country: iso,
        url: `${url}/${iso}`,
      })),
      meta: {
        page: 0,
        page_size: 50,
        first_page_url: `${url}?PageSize=50&Page=0`,
        previous_page_url: null,
        next_page_url: null,
        url: `${url}?PageSize=50&Page=0`,
        key: 'countries',
      },
    });
}

function countryNamed({ names, path }: Context): Country {
  const iso = names[0]?.toUpperCase();
  const country = COUNTRIES.find((one) => one.iso === iso);
  if (!country) throw notFound(path);
  return country;
}

function price(micros: bigint): { base_price: string; current_price: string } {
  return { base_price: listedPrice(micros), current_price: listedPrice(micros) };
}
