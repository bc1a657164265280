/**
 * The shape of a request to Twilio: which methods, content types and fields have one reading. The
 * first API takes forms; newer ones take JSON too. Refuses before anybody asks what it means.
 */
import type { Refusal } from '../../errors.ts';
import { canonicalForm, type Dialect, type Fields, faultInFormType, parseForm } from '../form.ts';
import { methodOverride } from '../headers.ts';
import { type Json, readJsonBody } from '../json-body.ts';
import { ambiguous, faultInEncoding, textOf } from '../one-reading.ts';
import type { VendorRequest } from '../vendor.ts';

export interface Content {
  readonly fields: Fields;
  readonly canonical: string;
  /** The body's value, when it is JSON. */
  readonly json: Json | null;
}

/**
 * A name as the API has them: `To`, `Details.Message`. They begin in upper case, so that `to` is
 * none; a name that costs, in other letters, is refused below. Lists are given again and again.
 */
const BODY: Dialect = {
  name: /^[A-Z][A-Za-z0-9]*(?:\.[A-Za-z0-9_]+)*$/,
  plain: '`Name` with a capital letter, as in `To`',
  lists: new Set(
    (
      'MediaUrl PersistentAction StatusCallbackEvent RecordingStatusCallbackEvent ' +
      'ConferenceStatusCallbackEvent ConferenceRecordingStatusCallbackEvent Details.Fields AddOns'
    ).split(' '),
  ),
};

/** Filters of lists: `DateSent>=2026-11-24`. */
const QUERY: Dialect = { ...BODY, name: /^[A-Z][A-Za-z0-9]*(?:\.[A-Za-z0-9_]+)*[<>]?$/ };

/** Fields that a price hangs on, by their names in lower case. */
const COSTLY: ReadonlyMap<string, string> = new Map(
  (
    'To From Body MediaUrl SendAsMms SmartEncoded ShortenUrls ContentSid MessagingServiceSid ' +
    'TimeLimit Record MachineDetection Byoc Url Twiml FallbackUrl ApplicationSid Channel Fields ' +
    'Type AddOns Status ScheduleType SendAt'
  )
    .split(' ')
    .map((name) => [name.toLowerCase(), name]),
);
const SWITCHES = ['SendAsMms', 'SmartEncoded', 'ShortenUrls', 'Record'];

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

export function readContent(request: VendorRequest): Content | Refusal {
  const { method, query, headers, body } = request;
  if (!METHODS.includes(method)) {
    return ambiguous(`Twilio has no such method; use ${METHODS.join(', ')}`);
  }
  const override = methodOverride(headers);
  if (override) return ambiguous(`\`${override}\` names another method; leave it out`);
  if (method === 'GET' || method === 'DELETE') {
    if (body.length > 0) return ambiguous(`a ${method} has no body; put its fields into the query`);
    return form(query, QUERY);
  }
  if (query !== '') {
    return ambiguous(`a ${method} has its fields in the body; move them there from the query`);
  }
  if (/^application\/json\b/i.test(headers.get('content-type')?.trim() ?? '')) {
    const read = readJsonBody(request);
    if ('code' in read) return read;
    return { fields: read.fields, canonical: read.canonical, json: read.value };
  }
  if (body.length === 0) return form('', BODY);
  const fault = faultInEncoding(headers) ?? faultInFormType(headers);
  if (fault !== null) return ambiguous(fault);
  const text = textOf(body);
  return text === null ? ambiguous('the body is not UTF-8; percent-encode it') : form(text, BODY);
}

function form(text: string, dialect: Dialect): Content | Refusal {
  const fields = parseForm([text], dialect);
  if ('code' in fields) return fields;
  const fault = faultInFields(fields);
  if (fault !== null) return ambiguous(fault);
  return { fields, canonical: canonicalForm(fields), json: null };
}

function faultInFields(fields: Fields): string | null {
  for (const name of fields.keys()) {
    const plain = COSTLY.get(name.replace(/\[\d+\]$/, '').toLowerCase());
    if (plain !== undefined && !name.startsWith(plain)) {
      return `\`${name}\` differs from \`${plain}\` only in its letters; write \`${plain}\``;
    }
  }
  for (const name of SWITCHES) {
    const value = fields.get(name);
    if (value !== undefined && value !== 'true' && value !== 'false') {
      return `\`${name}\` must be \`true\` or \`false\``;
    }
  }
  const limit = fields.get('TimeLimit');
  if (limit !== undefined && !/^[1-9]\d{0,5}$/.test(limit)) {
    return '`TimeLimit` must be a plain whole number of seconds, as in `TimeLimit=600`';
  }
  return null;
}
