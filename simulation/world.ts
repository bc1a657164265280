/**
 * The world of one run: puts the parts together, starts and kills the process, and lets time pass
 * event by event until somebody has seen enough. The first broken promise ends the run.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../src/clock.ts';
import { LedgerUnavailable } from '../src/ledger/ledger.ts';
import type { Outgoing } from '../src/proxy/answer.ts';
import type { Incoming } from '../src/proxy/arrive.ts';
import type { Step } from '../src/proxy/steps.ts';
import type { Order } from './clients.ts';
import { Dice } from './dice.ts';
import { Disk, type Mount } from './disk.ts';
import { type Invariant, Model } from './model.ts';
import { Network } from './network.ts';
import { ACCOUNTS, SECRETS, SimulatedNode } from './node.ts';
import type { Sabotage } from './sabotage.ts';
import { SimulatedStripe } from './stripe.ts';
import { processClock, Timeline } from './timeline.ts';
import { SimulatedTwilio } from './twilio.ts';
import type { Moved, SimulatedVendor } from './vendor.ts';
import { drawWeather, type Weather } from './weather.ts';

/** When every run begins, by the wall clock. */
const EPOCH = Date.parse('2026-11-22T20:00:00Z');
export const HOUR_MS = 3_600_000;

export interface Violation {
  readonly invariant: Invariant;
  readonly what: string;
}

interface Process extends Mount {
  alive: boolean;
  /** What the wall clock is off by. */
  skew: number;
  node: SimulatedNode | null;
  /** Told when the process ends before it has answered. */
  readonly calling: Set<(outgoing: null) => void>;
}

export class World {
  readonly dice: Dice;
  readonly timeline = new Timeline();
  readonly weather: Weather;
  /** The probability that all rest for some hours, of each thing that is done. */
  readonly night: number;
  readonly disk: Disk;
  readonly model: Model;
  readonly network: Network;
  /** By account name. */
  readonly stripes = new Map<string, SimulatedStripe>();
  /** By address. */
  readonly #vendors = new Map<string, SimulatedVendor>();
  readonly trace: string[] = [];
  readonly sabotage: Sabotage;
  violation: Violation | null = null;
  onCrash: () => void = () => undefined;
  readonly #names = new Map<bigint, number>();
  #process: Process | null = null;
  #sending: bigint | null = null;

  constructor(seed: number, db: DatabaseSync, sabotage: Sabotage) {
    this.sabotage = sabotage;
    this.dice = new Dice(seed);
    this.weather = drawWeather(this.dice);
    this.night = this.dice.chance(0.25) ? 0.15 : 0;
    const { dice, timeline, weather } = this;
    this.disk = new Disk(db, {
      ...{ dice, timeline, weather },
      onCommit: (commit) => {
        for (const { now, before } of commit.rows) {
          if (now.state === before?.state && now.runningId === before.runningId) continue;
          const ran = now.runningId === null ? '' : ' running';
          this.note(`disk: ${this.name(now.id)} is ${now.state}${ran} ${now.cost ?? now.quote}`);
        }
        this.model.committed(commit);
      },
      onLoss: (id) => this.violate(3, `the row of call ${id} is gone`),
    });
    this.model = new Model({
      now: () => timeline.now,
      rows: this.disk.rows,
      failing: () => this.disk.failing,
      moved: () => this.moved(),
      violate: (invariant, what) => this.violate(invariant, what),
    });
    for (const { vendor, name, baseUrl } of ACCOUNTS) {
      const deps = {
        ...{ dice, timeline, weather, epoch: EPOCH, name },
        onMove: () => this.model.moved(),
        onExecution: (callId: bigint | null, text: string) => this.model.executed(callId, text),
      };
      if (vendor.name === 'twilio') this.#vendors.set(baseUrl, new SimulatedTwilio(deps));
      else {
        const simulated = new SimulatedStripe(deps);
        this.stripes.set(name, simulated);
        this.#vendors.set(baseUrl, simulated);
      }
    }
    this.network = new Network({
      ...{ dice, timeline, weather },
      ask: (mayStart) => {
        this.#sending = null;
        const may = mayStart();
        return { may, callId: this.#sending };
      },
      onSend: (callId, request) => {
        this.note(`sent: ${callId === null ? 'a question' : this.name(callId)} ${request.path}`);
        if (callId !== null) {
          this.model.sending(callId, request);
          // It died while it wrote the bytes.
          if (!this.#process?.alive) this.model.crashed();
        } else if (request.method !== 'GET')
          this.violate(3, `${request.path} was sent for no call`);
      },
      onResult: (callId, result) => {
        const reply = result.kind === 'reply' ? ` ${result.reply.status}` : '';
        this.note(`result: ${callId === null ? '' : this.name(callId)} ${result.kind}${reply}`);
        this.model.result(callId, result);
      },
      deliver: (request, arrival, answer) => {
        this.#vendors.get(request.baseUrl)!.receive(arrival, answer);
      },
    });
  }

  // ---------------------------------------------------------------- the process

  /** Of the process that answers now; null while there is none. */
  get node(): SimulatedNode | null {
    return this.#process?.alive ? this.#process.node : null;
  }

  /** Starts a process, and again until one can read and write its ledger. */
  boot(): void {
    const process: Process = {
      alive: true,
      skew: this.dice.between(-2_000, 2_000),
      node: null,
      calling: new Set(),
      crash: () => this.crash(process),
    };
    this.#process = process;
    this.#start(process).catch((error: unknown) => {
      if (!process.alive) return;
      if (!(error instanceof LedgerUnavailable)) this.violate(0, `a start failed: ${error}`);
      this.crash(process);
    });
  }

  async #start(process: Process): Promise<void> {
    const { dice, disk, timeline } = this;
    if (disk.failing) throw new LedgerUnavailable('the disk is full');
    const clock: Clock = processClock(timeline, EPOCH, process);
    const writer = disk.writer();
    const start = writer.recover();
    disk.sync();
    this.note(`boot: ${start.recovered} recovered`);
    const { sabotage } = this;
    const store = disk.store(writer, process);
    const sender = this.network.sender(process);
    process.node = await SimulatedNode.boot({
      ...{ clock, start },
      store: sabotage.store?.(store, disk, writer, process) ?? store,
      sender: sabotage.sender?.(sender) ?? sender,
      wrap: (ledger) => sabotage.ledger?.(ledger) ?? ledger,
      onFault: (what) => this.violate(0, what),
      // Over a night it would look ten thousand times.
      resolvePauseMs: this.night > 0 ? 600_000 : dice.pick([5_000, 30_000, 300_000]),
    });
  }

  /** The process is gone, in whatever it was doing; another one comes, after `away` milliseconds. */
  crash(process = this.#process, away?: number): void {
    if (!process?.alive) return;
    process.alive = false;
    this.note('crash');
    this.model.crashed();
    this.onCrash();
    const { dice, timeline } = this;
    for (const answer of process.calling) timeline.after(dice.between(0, 50), () => answer(null));
    const long = dice.chance(0.1);
    const down = away ?? (long ? dice.between(0, 26) * HOUR_MS : dice.between(5, 3_000));
    timeline.after(down, () => this.boot());
  }

  /** As a client of the process: null when the connection is refused or breaks. */
  call(incoming: Incoming, answer: (outgoing: Outgoing | null) => void): void {
    const process = this.#process;
    if (!process?.alive || !process.node) {
      this.timeline.after(1, () => answer(null));
      return;
    }
    process.calling.add(answer);
    process.node.handle(incoming).then(
      (outgoing) => {
        if (!process.alive) return;
        process.calling.delete(answer);
        answer(outgoing);
      },
      (error: unknown) => {
        if (process.alive) this.violate(0, `a call failed inside: ${stackOf(error)}`);
      },
    );
  }

  // ---------------------------------------------------------------- time

  /** Lets events happen until `enough`, or until there are none; false: a promise was broken. */
  async run(enough: () => boolean = () => false): Promise<boolean> {
    const onStep = (message: unknown) => this.#step(message as { step: Step; callId: bigint });
    subscribe('keybrake:step', onStep);
    try {
      while (this.violation === null && !enough() && this.timeline.step()) await turn();
    } finally {
      unsubscribe('keybrake:step', onStep);
    }
    return this.violation === null;
  }

  /** The value, while time passes; null: a promise was broken first, or nothing happens any more. */
  async until<T>(promise: Promise<T>): Promise<T | null> {
    let value: T | null = null;
    let done = false;
    promise.then(
      (got) => {
        value = got;
        done = true;
      },
      (error: unknown) => this.violate(0, `what is asked for in fine weather fails: ${error}`),
    );
    await turn();
    await this.run(() => done);
    if (!done) this.violate(0, 'what is asked for in fine weather has no end');
    return value;
  }

  /** A call is at one of its steps: where a process may die. */
  #step({ step, callId }: { step: Step; callId: bigint }): void {
    if (step === 'sending') this.#sending = callId;
    if (!this.#process?.alive) return;
    if (this.dice.chance(this.weather.crash)) this.crash();
  }

  // ---------------------------------------------------------------- what is seen

  /** The vendors' books. */
  moved = (): Moved[] => [...this.#vendors.values()].flatMap((vendor) => [...vendor.moved()]);

  answered({ credential, name, body: asked }: Order, outgoing: Outgoing): void {
    const { status, headers, body } = outgoing;
    this.note(`answer: key ${credential.id} ${status} ${headers['x-keybrake-reason'] ?? ''}`);
    this.model.answered(credential.id, name, asked, outgoing);
    const text = typeof body === 'string' ? body : textOf(body);
    const told = Object.values(headers).join('\n');
    this.#holdsSecret(`the answer to key ${credential.id}`, `${text}\n${told}`);
  }

  /** 7: the tables hold no secret in clear. */
  secretsStayed(): void {
    for (const row of this.disk.db.prepare('SELECT * FROM calls').all()) {
      this.#holdsSecret('a row', Object.values(row).join('\n'));
    }
  }

  #holdsSecret(where: string, text: string): void {
    for (const secret of SECRETS) {
      if (text.includes(secret)) this.violate(7, `${where} holds the secret`);
    }
  }

  note(text: string): void {
    this.trace.push(`${String(this.timeline.now).padStart(8)} ${text}`);
  }

  /** Ids have the time in them; what is read by people has a number. */
  name(callId: bigint): string {
    const known = this.#names.get(callId) ?? this.#names.size + 1;
    this.#names.set(callId, known);
    return `call ${known}`;
  }

  violate(invariant: Invariant, what: string): void {
    if (this.violation !== null) return;
    const named = what.replace(/\b\d{15,}\b/g, (id) =>
      this.#names.has(BigInt(id)) ? `[${this.name(BigInt(id))}]` : id,
    );
    this.violation = { invariant, what: named };
    this.note(`broken: ${invariant}: ${named}`);
  }
}

/** Everything that can go on without another event has gone on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
