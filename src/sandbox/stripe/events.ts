/**
 * The list of events: how one learns what became of a call whose reply was lost. Shows what the
 * books have, of the last 30 days, newest first.
 */
import { type Call, type Handler, listOf, type Routes } from './call.ts';
import { noSuch } from './errors.ts';
import { type EventRecord, showEvent } from './objects/event.ts';

const KEPT_SECONDS = 30 * 24 * 60 * 60;

/** `type` may end in a star (`charge.*`); `types[]` lists exact ones. */
const listEvents: Handler = (call) => {
  const { form } = call;
  const type = form.text('type');
  const types = form.list('types');
  const wanted = visible(call).filter(
    (event) =>
      (type === undefined || fits(event.type, type)) &&
      (types.length === 0 || types.includes(event.type)),
  );
  return listOf(call, wanted.reverse(), showEvent);
};

const retrieveEvent: Handler = (call) => {
  const event = visible(call).find(({ id }) => id === call.id);
  if (!event) throw noSuch('event', call.id);
  return showEvent(event);
};

function visible({ books }: Call): EventRecord[] {
  const { whole, account, now } = books;
  const newest = now - whole.eventDelaySeconds;
  return whole.events.filter(
    (event) =>
      event.account === account && event.created <= newest && event.created > now - KEPT_SECONDS,
  );
}

function fits(type: string, pattern: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

export const EVENT_ROUTES: Routes = [
  ['GET /v1/events', listEvents],
  ['GET /v1/events/*', retrieveEvent],
];
