/**
 * The data plane: a call from arrival to answer, left to right, with no way back.
 *
 *   arrive → authenticate → route → understand → admit → forward → conclude → answer
 *
 * Each step is a file of its own; this one shows them in order. Before `admit` nothing has happened
 * and nothing is owed; after it there is a row, and every way out of here ends that row once.
 */
import type { Account, AccountBook } from '../accounts.ts';
import type { Clock } from '../clock.ts';
import type { Credential } from '../credential.ts';
import { CATALOGUE, type Refusal, refusal } from '../errors.ts';
import type { IdSource } from '../ids.ts';
import {
  type CallContext,
  type Ledger,
  LedgerUnavailable,
  namesAttempt,
} from '../ledger/ledger.ts';
import type { Micros } from '../money.ts';
import type { TariffBook } from '../tariffs/book.ts';
import { keyHeaders } from '../vendors/headers.ts';
import type { Vendor } from '../vendors/vendor.ts';
import { admit, type FinalVerdict } from './admit.ts';
import { answerRefusal, answerReply, type Outgoing } from './answer.ts';
import { arrive, type Incoming } from './arrive.ts';
import { Authenticator, type Caller } from './authenticate.ts';
import { type Concluded, conclude } from './conclude.ts';
import type { Sender, UpstreamResult } from './forward.ts';
import { withoutSecrets } from './mask.ts';
import type { Observer } from './observe.ts';
import { ownKey } from './own-key.ts';
import { type Route, route, vendorOf } from './route.ts';
import type { RunningCall, RunningCalls } from './running.ts';
import type { ReplySeal } from './sealed-reply.ts';
import { announce } from './steps.ts';
import { type Understood, understand } from './understand.ts';
import type { WaitingRoom } from './waiting.ts';

export interface DataPlaneDeps {
  vendors: ReadonlyMap<string, Vendor>;
  accounts: AccountBook;
  ledger: Ledger;
  tariffs: TariffBook;
  upstream: Sender;
  running: RunningCalls;
  waiting: WaitingRoom;
  seal: ReplySeal;
  observer: Pick<Observer, 'observe'>;
  ids: IdSource;
  clock: Clock;
  coalesceMs?: number;
  holdsMs?: number;
}

type SendVerdict = Extract<FinalVerdict, { kind: 'admitted' | 'resend' }>;

/** What is known of a call once it is understood. */
interface Call {
  readonly running: RunningCall;
  readonly caller: Caller;
  readonly route: Route;
  readonly understood: Understood;
  readonly startedAt: number;
}

export class DataPlane {
  readonly #deps: DataPlaneDeps;
  readonly #authenticator: Authenticator;
  /** Beside Authorization, the headers in which a vault key may come. */
  readonly #keyHeaders: readonly string[];
  #draining = false;

  constructor(deps: DataPlaneDeps) {
    this.#deps = deps;
    this.#authenticator = new Authenticator(deps.ledger);
    this.#keyHeaders = keyHeaders(deps.vendors.values());
  }

  /** From now on calls are refused; those under way go on to their end. */
  drain(): void {
    this.#draining = true;
  }

  /** Carries out one call. Null: the client went away before its request was whole. */
  async handle(incoming: Incoming): Promise<Outgoing | null> {
    const { vendors, accounts, tariffs, clock, ids, running } = this.#deps;
    const startedAt = clock.monotonic();
    const head = arrive(incoming, this.#keyHeaders);
    const id = ids.next();
    announce('arrived', id);
    const stranger = vendorOf(vendors, head.path, head.credential?.place);
    if (this.#draining) return this.#turnAway(stranger, unavailable('is stopping'), startedAt);

    const caller = await this.#authenticate(head.credential);
    if ('code' in caller) return this.#turnAway(stranger, caller, startedAt);
    announce('authenticated', id);

    const way = route(vendors, accounts, caller, head.path);
    const body = await incoming.readBody(way.vendor.bodyLimit);
    if (body === null) return null;
    const tooLarge =
      body === 'too_large'
        ? refusal('body_too_large', `The request body is over ${way.vendor.bodyLimit} bytes.`)
        : null;
    const context: CallContext = caller.taskId
      ? { ...head.context, taskId: head.context.taskId ?? caller.taskId }
      : head.context;
    const now = clock.now();
    const understood = understand({
      id,
      at: now,
      key: caller.key,
      route: way,
      request: {
        method: head.method,
        path: way.path,
        query: head.query,
        headers: head.headers,
        body: body === 'too_large' ? new Uint8Array() : body,
      },
      context,
      tariff: tariffs.of(way.vendor.name, caller.key.account, now),
      fault: head.fault ?? tooLarge,
    });
    announce('understood', id);

    const state: RunningCall = {
      ...{ id, keyId: caller.key.id, vendor: way.vendor.name, clue: understood.admission.clue },
      ...{ sent: false, unheard: false, stopped: null },
    };
    running.add(state);
    incoming.onHangUp(() => this.#hungUp(state, understood));
    try {
      const call = { running: state, caller, route: way, understood, startedAt };
      const outgoing = await this.#carryOut(call);
      announce('answered', id);
      return outgoing;
    } finally {
      running.remove(id);
    }
  }

  async #carryOut(arrived: Call): Promise<Outgoing> {
    const { running, caller, route: way } = arrived;
    const admitted = await admit(this.#deps, {
      running,
      key: caller.key,
      vendor: way.vendor,
      account: () => this.#accountOf(arrived),
      understood: arrived.understood,
    });
    if (admitted === null) {
      const reason = unavailable('cannot be reached');
      return this.#turnAway(way.vendor, reason, arrived.startedAt, arrived);
    }
    const { verdict, understood } = admitted;
    const call = { ...arrived, understood };
    switch (verdict.kind) {
      case 'refused':
        return this.#refuse(call, verdict.refusal, verdict.remaining);
      case 'replay':
        return this.#replay(call, verdict.firstId, verdict.sealedReply, verdict.remaining);
      case 'admitted':
      case 'resend':
        return this.#send(call, verdict);
    }
  }

  /** Whoever makes the call again in the same attempt of its task was not told of this one. */
  #hungUp(call: RunningCall, { admission }: Understood): void {
    call.unheard = true;
    if (admission.fingerprint !== null && namesAttempt(admission)) {
      this.#deps.ledger.unheard(call.id);
    }
  }

  async #authenticate(credential: Credential | null): Promise<Caller | Refusal> {
    try {
      return await this.#authenticator.authenticate(credential);
    } catch (error) {
      if (error instanceof LedgerUnavailable) return unavailable('cannot be reached');
      throw error;
    }
  }

  /** The call is in the ledger: send it, settle what became of it, answer. */
  async #send(call: Call, verdict: SendVerdict): Promise<Outgoing> {
    const { ledger, seal, clock, waiting } = this.#deps;
    const { running, route: way, understood } = call;
    announce('admitted', running.id);
    const result = await this.#forward(call, verdict).catch(
      // A fault of ours must not leave a hold without an end.
      (error: unknown): UpstreamResult =>
        running.sent
          ? { kind: 'no_reply', why: String(error), upstreamMs: 0 }
          : { kind: 'not_sent', why: String(error) },
    );
    announce('replied', running.id);
    const concluded = conclude(
      {
        id: running.id,
        identityId: verdict.kind === 'resend' ? verdict.firstId : running.id,
        quote: verdict.quote,
        vendor: way.vendor,
        reading: understood.reading,
        tariff: understood.tariff,
        pricedByKey: understood.pricedByKey,
        hasIdentity: understood.admission.fingerprint !== null,
        stopped: running.stopped,
        latencyMs: clock.monotonic() - call.startedAt,
        now: clock.now(),
      },
      result,
      seal,
    );
    ledger.settle(concluded.settlement);
    waiting.ended(call.caller.key.chain);
    announce('concluded', running.id);
    return this.#answer(call, verdict, concluded);
  }

  async #forward(call: Call, verdict: SendVerdict): Promise<UpstreamResult> {
    const { running, route: way, understood } = call;
    const { request, reading, admission } = understood;
    const { origin } = this.#deps.accounts;
    const key =
      verdict.kind === 'resend'
        ? (verdict.firstKey ?? ownKey(verdict.firstId, origin))
        : (admission.idempotencyKey ?? ownKey(running.id, origin));
    const account = this.#accountOf(call);
    if (!account) return { kind: 'stopped' };
    const outbound = way.vendor.outbound(
      request,
      account,
      reading.idempotency === 'vendor' ? key : null,
    );
    const result = await this.#deps.upstream.send({ method: request.method, ...outbound }, () => {
      if (running.stopped !== null || !this.#accountOf(call)) return false;
      announce('sending', running.id);
      running.sent = true;
      return true;
    });
    if (result.kind !== 'reply') return result;
    return {
      ...result,
      reply: withoutSecrets(result.reply, way.vendor, account.credentials, outbound),
    };
  }

  /** As it is now: the wait for a first call or a connection may outlast a rotation or a removal. */
  #accountOf({ running, caller, route: way }: Call): Account | undefined {
    const account = this.#deps.accounts.get(way.vendor.name, caller.key.account);
    if (!account) running.stopped ??= 'vendor_not_allowed';
    return account;
  }

  #answer(call: Call, verdict: SendVerdict, concluded: Concluded): Outgoing {
    const { answer, cost, settlement } = concluded;
    const standing = {
      callId: call.running.id,
      cost,
      remaining: remainingAfter(verdict.remaining, verdict.quote - cost),
    };
    const refused = 'code' in answer ? answer : null;
    this.#observe(call, {
      verdict: verdict.kind === 'resend' ? 'resend' : 'allow',
      code: refused?.code ?? null,
      status: concluded.status,
      cost,
      upstreamMs: settlement.upstreamMs,
      why: concluded.why,
    });
    return 'code' in answer
      ? answerRefusal(call.route.vendor, answer, standing)
      : answerReply(answer, standing, false);
  }

  #replay(call: Call, firstId: bigint, sealed: Uint8Array, remaining: Micros | null): Outgoing {
    const reply = this.#deps.seal.open(firstId, sealed);
    const told = { verdict: 'replay', code: null, cost: 0n, upstreamMs: null, why: null };
    this.#observe(call, { ...told, status: reply.status });
    return answerReply(reply, { callId: call.running.id, cost: 0n, remaining }, true);
  }

  #refuse(call: Call, reason: Refusal, remaining: Micros | null): Outgoing {
    const { status } = CATALOGUE[reason.code];
    const told = { verdict: 'refuse', code: reason.code, cost: 0n, upstreamMs: null, why: null };
    this.#observe(call, { ...told, status });
    const standing = { callId: call.running.id, cost: 0n, remaining };
    return answerRefusal(call.route.vendor, reason, standing);
  }

  /** An answer that left no row: the caller is nobody, or the ledger cannot be written. */
  #turnAway(vendor: Vendor, reason: Refusal, startedAt: number, call?: Call): Outgoing {
    const { status } = CATALOGUE[reason.code];
    this.#deps.observer.observe({
      admission: call?.understood.admission ?? null,
      vendor: vendor.name,
      label: call?.caller.key.label ?? null,
      verdict: 'refuse',
      code: reason.code,
      status,
      cost: 0n,
      latencyMs: this.#deps.clock.monotonic() - startedAt,
      upstreamMs: null,
      why: null,
    });
    return answerRefusal(vendor, reason, null);
  }

  #observe(
    call: Call,
    told: {
      verdict: string;
      code: string | null;
      status: number;
      cost: Micros;
      upstreamMs: number | null;
      why: string | null;
    },
  ): void {
    this.#deps.observer.observe({
      ...told,
      admission: call.understood.admission,
      vendor: call.route.vendor.name,
      label: call.caller.key.label,
      latencyMs: this.#deps.clock.monotonic() - call.startedAt,
    });
  }
}

/** What is left once a hold has ended at less: `back` is the difference. */
function remainingAfter(remaining: Micros | null, back: Micros): Micros | null {
  if (remaining === null) return null;
  const left = remaining + back;
  return left > 0n ? left : 0n;
}

function unavailable(what: string): Refusal {
  return refusal('ledger_unavailable', `The ledger ${what}, so no call is let through.`);
}
