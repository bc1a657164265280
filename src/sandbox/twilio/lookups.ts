/**
 * Lookups v2: a GET that costs by the fields it asks for. Validation is free, and so is whatever was
 * asked of a number that is none.
 */

import { type Context, found, newSid, type Outcome } from './context.ts';
import { type Country, countryOf } from './countries.ts';
import { invalidParameter } from './errors.ts';
import { readNumber } from './numbers.ts';

/** What each field answers; they are all fields that Lookups knows, but for `validation`. */
const ANSWERS: Readonly<Record<string, Record<string, unknown>>> = {
  caller_name: { caller_name: 'A. NUMBER', caller_type: 'CONSUMER', error_code: null },
  sim_swap: {
    last_sim_swap: {
      last_sim_swap_date: null,
      swapped_period: 'PT24H',
      swapped_in_period: false,
    },
    carrier_name: 'Sandbox Mobile',
    mobile_country_code: '310',
    mobile_network_code: '410',
    error_code: null,
  },
  call_forwarding: { call_forwarding_enabled: false, error_code: null },
  line_status: { status: 'active', error_code: null },
  line_type_intelligence: {
    mobile_country_code: '310',
    mobile_network_code: '410',
    carrier_name: 'Sandbox Mobile',
    type: 'mobile',
    error_code: null,
  },
  identity_match: { summary_score: 100, error_code: null, error_message: null },
  reassigned_number: {
    last_verified_date: null,
    is_number_reassigned: 'no',
    error_code: null,
  },
  sms_pumping_risk: {
    carrier_risk_category: 'low',
    number_blocked: false,
    number_blocked_date: null,
    number_blocked_last_3_months: null,
    sms_pumping_risk_score: 1,
    error_code: null,
  },
  phone_number_quality_score: { quality_score: 90, quality_category: 'high', error_code: null },
  pre_fill: { first_name: 'A.', last_name: 'Number', country_code: 'US', error_code: null },
};

export function lookUp(context: Context): Outcome {
  const { names, params, books, behaviour } = context;
  const fields = (params.text('Fields') ?? '').split(',').filter(Boolean);
  const unknown = fields.find((field) => field !== 'validation' && !Object.hasOwn(ANSWERS, field));
  if (unknown) throw invalidParameter(`Fields: ${unknown}`, 60600);
  const asked = names[0] ?? '';
  const number = readNumber(asked.startsWith('+') ? asked : `+${asked}`);
  const country = number ? countryOf(number) : undefined;
  const valid = number !== null && country !== undefined && number !== '+15005550001';
  const micros = valid
    ? [...new Set(fields)].reduce((sum, one) => sum + (behaviour.prices.lookups[one] ?? 0n), 0n)
    : 0n;
  if (micros > 0n) {
    books.save({ object: 'lookup', id: newSid('LU'), standing: null, micros });
  }
  const answers = Object.entries(ANSWERS).map(([field, answer]) => [
    field,
    valid && fields.includes(field) ? answer : null,
  ]);
  const outcome = found({
    calling_country_code: valid ? callingCode(country) : null,
    country_code: valid ? country.iso : null,
    phone_number: number ?? asked,
    national_format: valid ? number : null,
    valid,
    validation_errors: valid ? [] : [number ? 'INVALID_BUT_POSSIBLE' : 'NOT_A_NUMBER'],
    ...Object.fromEntries(answers),
    url: `https://lookups.twilio.com/v2/PhoneNumbers/${number ?? asked}`,
  });
  return { ...outcome, billed: micros > 0n };
}

function callingCode({ prefixes: [prefix = ''] }: Country): string {
  return prefix.startsWith('1') ? '1' : prefix;
}
