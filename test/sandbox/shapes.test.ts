/**
 * The fakes answer in the vendors' shapes: every field of a reply is one that the vendor's own API
 * description has, of the type it has there, and none of Twilio's is missing.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { email, FROM, type JsonReply, resendOf, sms, startStill, TO, twilioOf } from './wire.ts';

const DATA = join(import.meta.dirname, '../../../shared/data');

interface Schema {
  $ref?: string;
  type?: string | string[];
  nullable?: boolean;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  items?: Schema;
}

interface Description {
  paths: Record<string, Record<string, { responses: Record<string, Response> }>>;
  components: { schemas: Record<string, Schema> };
}

interface Response {
  content: Record<string, { schema: Schema }>;
}

/** Holds replies against one of the vendors' descriptions. `whole`: no field may be missing. */
function description(file: string, whole: boolean) {
  const { paths, components } = JSON.parse(readFileSync(join(DATA, file), 'utf8')) as Description;
  const meant = ({ $ref, ...schema }: Schema): Schema =>
    $ref ? meant(components.schemas[$ref.split('/').at(-1)!]!) : schema;

  function* wrong(value: unknown, given: Schema, at: string): Generator<string> {
    const schema = meant(given);
    if (value === null || schema.type === undefined) return;
    const types = [schema.type].flat();
    const type = Array.isArray(value) ? 'array' : typeof value;
    const fits = types.includes(type) || (types.includes('integer') && Number.isInteger(value));
    if (!fits) yield `${at} is ${type}, not ${types}`;
    if (schema.enum && !schema.enum.includes(value)) yield `${at} is ${value}, none of its values`;
    if (type === 'array' && schema.items) {
      for (const [i, item] of (value as unknown[]).entries()) {
        yield* wrong(item, schema.items, `${at}[${i}]`);
      }
    }
    if (type !== 'object' || !schema.properties) return;
    for (const [name, field] of Object.entries(value as object)) {
      const known = schema.properties[name];
      if (known) yield* wrong(field, known, `${at}.${name}`);
      else yield `${at}.${name} is in no description`;
    }
    if (!whole) return;
    for (const name of Object.keys(schema.properties)) {
      if (!Object.hasOwn(value as object, name)) yield `${at}.${name} is missing`;
    }
  }

  return (operation: string, reply: JsonReply, unless: string[] = []) => {
    const [method = '', path = ''] = operation.split(' ');
    const responses = paths[path]?.[method.toLowerCase()]?.responses;
    assert.ok(responses, `no description of ${operation}`);
    const response = responses[reply.status];
    assert.ok(response, `${operation} answered ${reply.status}: ${reply.body}`);
    const { schema } = response.content['application/json']!;
    const faults = [...wrong(reply.json, schema, operation)];
    assert.deepEqual(
      faults.filter((fault) => !unless.some((allowed) => fault.includes(allowed))),
      [],
    );
  };
}

test('Twilio: messages and calls, when they begin and when they are over', async (t) => {
  const { sandbox, clock } = await startStill(t);
  const call = twilioOf(sandbox);
  const fits = description('twilio/twilio_api_v2010.json', true);
  const account = '/2010-04-01/Accounts/{AccountSid}';
  const message = await call('POST', '/Messages.json', sms());
  fits(`POST ${account}/Messages.json`, message);
  const failed = await call('POST', '/Messages.json', sms({ To: '+15005550009' }));
  const phone = { To: TO, From: FROM, Twiml: '<Response/>' };
  const begun = await call('POST', '/Calls.json', phone);
  fits(`POST ${account}/Calls.json`, begun);
  clock.advance(200);
  for (const { json } of [message, failed]) {
    const path = `/Messages/${json.sid}.json`;
    fits(`GET ${account}/Messages/{Sid}.json`, await call('GET', path));
    fits(`POST ${account}/Messages/{Sid}.json`, await call('POST', path, { Body: '' }));
  }
  fits(`GET ${account}/Calls/{Sid}.json`, await call('GET', `/Calls/${begun.json.sid}.json`));
  fits(`GET ${account}/Messages.json`, await call('GET', '/Messages.json?PageSize=1'));
  fits(`GET ${account}/Calls.json`, await call('GET', '/Calls.json'));
});

test('Twilio: verifications, lookups and prices', async (t) => {
  const { sandbox } = await startStill(t);
  const call = twilioOf(sandbox);
  const verify = description('twilio/twilio_verify_v2.json', true);
  const service = `/verify/v2/Services/VA${'1'.repeat(32)}`;
  const begun = await call('POST', `${service}/Verifications`, { To: TO, Channel: 'sms' });
  verify('POST /v2/Services/{ServiceSid}/Verifications', begun);
  const check = await call('POST', `${service}/VerificationCheck`, { To: TO, Code: '123456' });
  verify('POST /v2/Services/{ServiceSid}/VerificationCheck', check);
  const read = await call('GET', `${service}/Verifications/${begun.json.sid}`);
  verify('GET /v2/Services/{ServiceSid}/Verifications/{Sid}', read);
  const lookups = description('twilio/twilio_lookups_v2.json', false);
  const fields = 'caller_name,sim_swap,line_status,line_type_intelligence,reassigned_number';
  const found = await call('GET', `/lookups/v2/PhoneNumbers/${TO}?Fields=${fields}`);
  lookups('GET /v2/PhoneNumbers/{PhoneNumber}', found);
  // Types and examples of the description disagree: the examples, and Twilio, have text.
  const asText = ['price is string, not number'];
  const messaging = description('twilio/twilio_pricing_v1.json', true);
  const country = await call('GET', '/pricing/v1/Messaging/Countries/GB');
  messaging('GET /v1/Messaging/Countries/{IsoCountry}', country, asText);
  const countries = await call('GET', '/pricing/v1/Messaging/Countries');
  messaging('GET /v1/Messaging/Countries', countries);
  const voice = description('twilio/twilio_pricing_v2.json', true);
  const minutes = await call('GET', '/pricing/v2/Voice/Countries/US');
  voice('GET /v2/Voice/Countries/{IsoCountry}', minutes, asText);
});

test('Resend: e-mails, batches, keys and domains', async (t) => {
  const { sandbox } = await startStill(t);
  const call = resendOf(sandbox);
  const fits = description('resend/openapi.json', false);
  const sent = await call('POST', '/emails', email());
  fits('POST /emails', sent);
  fits('POST /emails/batch', await call('POST', '/emails/batch', [email(), email()]));
  const read = await call('GET', `/emails/${sent.json.id}`);
  // The SDK's own type has it; the description forgot it.
  fits('GET /emails/{email_id}', read, ['scheduled_at']);
  fits('GET /emails', await call('GET', '/emails'), ['scheduled_at']);
  const later = await call('POST', '/emails', email({ scheduled_at: 'in 1 hour' }));
  const cancelled = await call('POST', `/emails/${later.json.id}/cancel`);
  fits('POST /emails/{email_id}/cancel', cancelled);
  fits('POST /api-keys', await call('POST', '/api-keys', { name: 'a' }));
  fits('GET /api-keys', await call('GET', '/api-keys'));
  fits('POST /domains', await call('POST', '/domains', { name: 'a.example' }));
  fits('GET /domains', await call('GET', '/domains'));
  fits('GET /domains/{domain_id}', await call('GET', '/domains/d1'));
});
