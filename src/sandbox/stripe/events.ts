/**
 * The list of events: how one learns what became of a call whose reply was lost. Shows what the
 * books have, of the last 30 days, newest first.
 */
import { type Call, type Handler, listInV2, listOf, type Routes } from './call.ts';
import { noSuch } from './errors.ts';
import { type EventRecord, showEvent, showEventInV2 } from './objects/event.ts';

const KEPT_SECONDS = 30 * 24 * 60 * 60;

/** `type` may end in a star (`charge.*`); `types[]` lists exact ones. */
const listEvents: Handler = (call) => {
  const { form } = call;
  const type = form.text('type');
  const types = form.list('types');
  const wanted = visible(call, 'v1').filter(
    (event) =>
      (type === undefined || fits(event.type, type)) &&
      (types.length === 0 || types.includes(event.type)),
  );
  return listOf(call, wanted.reverse(), showEvent);
};

const retrieveEvent: Handler = (call) => {
  const event = visible(call, 'v1').find(({ id }) => id === call.id);
  if (!event) throw noSuch('event', call.id);
  return showEvent(event);
};

/** Tells which object changed and by which request; `object_id` and `types` choose. */
const listEventsInV2: Handler = (call) => {
  const { form } = call;
  const [id, types] = [form.text('object_id'), form.list('types')];
  const wanted = visible(call, 'v2').filter(
    ({ object, type }) =>
      (id === undefined || object.id === id) && (types.length === 0 || types.includes(type)),
  );
  return listInV2(call, wanted.reverse(), showEventInV2);
};

const retrieveEventInV2: Handler = (call) => {
  const event = visible(call, 'v2').find(({ id }) => id === call.id);
  if (!event) throw noSuch('event', call.id);
  return showEventInV2(event);
};

/** Oldest first. What changed by one version of the API is told by that version. */
function visible({ books }: Call, version: 'v1' | 'v2'): EventRecord[] {
  const { whole, account, now } = books;
  const newest = now - whole.eventDelaySeconds;
  return whole.events.filter(
    (event) =>
      event.account === account &&
      event.type.startsWith('v2.') === (version === 'v2') &&
      event.created <= newest &&
      event.created > now - KEPT_SECONDS,
  );
}

function fits(type: string, pattern: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

export const EVENT_ROUTES: Routes = [
  ['GET /v1/events', listEvents],
  ['GET /v1/events/*', retrieveEvent],
  ['GET /v2/core/events', listEventsInV2],
  ['GET /v2/core/events/*', retrieveEventInV2],
];
