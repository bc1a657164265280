/**
 * Puts a reply on the wire, or what a fault makes of it, and writes down how the call ended. What
 * the vendor decided is over by now: nothing here changes its books.
 */
import { gzipSync } from 'node:zlib';
import type { ReceivedRequest } from './books.ts';
import type { Fault, Garbage, HeaderMap } from './faults.ts';
import type { Wire } from './listener.ts';
import type { Gateway, Reply } from './vendor.ts';

export function answer(request: ReceivedRequest, wire: Wire, reply: Reply): void {
  ended(request, reply.status);
  wire.reply(reply.status, reply.headers, reply.body);
}

/** `signal` ends a reply that is sent slowly; it rejects with an AbortError then. */
export async function deliver(
  request: ReceivedRequest,
  wire: Wire,
  reply: Reply,
  fault: Fault,
  gateway: Gateway,
  signal: AbortSignal,
): Promise<void> {
  const { status, headers, body } = reply;
  switch (fault.kind) {
    case 'delay':
      answer(request, wire, reply);
      break;
    case 'status':
      answer(
        request,
        wire,
        fault.stored ? withHeaders(reply, fault.headers) : gatewayReply(fault, gateway),
      );
      break;
    case 'hangup':
      if (fault.at === 'midway') wire.replyHalf(status, headers, body);
      else wire.hangup(fault.reset);
      break;
    case 'stall':
      break;
    case 'slowBody':
      await wire.replySlowly(status, headers, body, {
        bytes: fault.bytes ?? 16,
        everyMs: fault.everyMs ?? 10,
        signal,
      });
      ended(request, status);
      break;
    case 'redirect':
      answer(request, wire, {
        status: fault.status ?? 302,
        headers: ['Location', fault.location],
        body: '',
      });
      break;
    case 'headers':
      answer(request, wire, withHeaders(reply, fault.headers));
      break;
    case 'gzip':
      ended(request, status);
      wire.reply(status, [...headers, 'Content-Encoding', 'gzip'], gzipSync(body));
      break;
    case 'garbage':
      deliverGarbage(request, wire, reply, fault.as, gateway.wrongType);
      break;
  }
}

function deliverGarbage(
  request: ReceivedRequest,
  wire: Wire,
  { headers, body }: Reply,
  as: Garbage,
  wrongType: string,
): void {
  switch (as) {
    case 'text':
      answer(request, wire, { status: 200, headers, body: '<html>It works!</html>' });
      break;
    case 'wrong_type':
      answer(request, wire, { status: 200, headers, body: wrongType });
      break;
    case 'empty':
      answer(request, wire, { status: 200, headers, body: '' });
      break;
    case 'huge_header': {
      const huge = [...headers, 'X-Filler', 'f'.repeat(256 * 1024)];
      answer(request, wire, { status: 200, headers: huge, body });
      break;
    }
    case 'broken_http':
      wire.raw('HTTQ/7.7 yes\0\r\ncontent-length: -5\r\n: :\r\n\r\n\xff', true);
      break;
    case 'absurd_length':
      wire.raw(`HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n${body}`, false);
      break;
  }
}

/** What a gateway says in the vendor's place: its error shape, none of the vendor's headers. */
function gatewayReply(fault: Fault & { kind: 'status' }, gateway: Gateway): Reply {
  const { headers, body } = gateway.refuse(fault.status);
  const extra = fault.headers ? flat(fault.headers) : headers;
  return { status: fault.status, headers: ['Content-Type', 'application/json', ...extra], body };
}

function withHeaders(reply: Reply, extra: HeaderMap = {}): Reply {
  return { ...reply, headers: [...reply.headers, ...flat(extra)] };
}

function flat(headers: HeaderMap = {}): string[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().flatMap((one) => [name, one]),
  );
}

function ended(request: ReceivedRequest, status: number): void {
  request.status = status;
  request.answeredAt = performance.timeOrigin + performance.now();
}
