/**
 * The composition root: puts the parts together in order, and takes them apart in the reverse one.
 * The only place where the real clock, the real store and the real network meet.
 */
import { AccountBook } from './accounts.ts';
import { type Clock, systemClock } from './clock.ts';
import { ACCOUNT_SETTINGS, type Config, ConfigError } from './config.ts';
import { createControl } from './control/control.ts';
import { hasLedger, makeFirstApiKey, masterKeyOf, prepareDataFolder } from './data-folder.ts';
import { credentialHash, IdSource } from './ids.ts';
import type { Ledger } from './ledger/ledger.ts';
import { openSqliteLedger } from './ledger/sqlite.ts';
import { type Log, openLog } from './log.ts';
import { Metrics } from './metrics.ts';
import { DataPlane } from './proxy/call.ts';
import { Upstream, type UpstreamLimits } from './proxy/forward.ts';
import { fetchOnce } from './proxy/look-up.ts';
import { Observer } from './proxy/observe.ts';
import { RunningCalls } from './proxy/running.ts';
import { ReplySeal } from './proxy/sealed-reply.ts';
import { WaitingRoom } from './proxy/waiting.ts';
import { Resolver } from './resolve/resolver.ts';
import {
  type Sandbox,
  type SandboxOptions,
  sandboxAccounts,
  startSandbox,
} from './sandbox/server.ts';
import { listen, type ServerLimits } from './server.ts';
import { TariffBook } from './tariffs/book.ts';
import { RateSource, readRatesFile } from './tariffs/rate-source.ts';
import { twilioPrices } from './tariffs/twilio-prices.ts';
import { loadVendors } from './vendor-files.ts';
import { keyHeaders } from './vendors/headers.ts';
import { PRICE as PRICE_OF_MAIL } from './vendors/resend/quote.ts';
import { resend } from './vendors/resend/resend.ts';
import { twilio } from './vendors/twilio/twilio.ts';
import type { Vendor } from './vendors/vendor.ts';

export interface KeybrakeOptions {
  clock?: Clock;
  log?: Log;
  serverLimits?: ServerLimits;
  upstreamLimits?: UpstreamLimits;
  coalesceMs?: number;
  /** How long a call waits for holds in front of it. */
  holdsMs?: number;
  /** How often open calls are looked for. */
  resolvePauseMs?: number;
  /** How often a file of exchange rates is looked at for a change. */
  ratesPauseMs?: number;
  sandbox?: SandboxOptions;
  /** A ledger thread ended: nothing can be decided any more. */
  onDeath?: (error: Error) => void;
}

export interface Keybrake {
  readonly url: string;
  /** The first management key, when it was made on this start. */
  readonly firstApiKey: string | null;
  /** Calls that the last process left under way; their outcome is unknown. */
  readonly recovered: number;
  readonly sandbox: Sandbox | null;
  readonly ledger: Ledger;
  /** Takes no new calls, finishes those under way, writes everything. */
  close(): Promise<void>;
}

const PRUNE_MS = 60_000;

/**
 * Starts a server. Rejects with ConfigError, DataFolderError, SealError, or the system's error for an address
 * that cannot be had; what was started by then is stopped.
 */
export async function startKeybrake(
  config: Config,
  options: KeybrakeOptions = {},
): Promise<Keybrake> {
  const { clock = systemClock, log = openLog() } = options;
  const undo: (() => Promise<unknown>)[] = [];
  const vendors = loadVendors(config.vendorsDir);
  const fromEnvironment = environmentAccounts(config, vendors);
  const tariffs = tariffsOf(config, clock.now());
  try {
    prepareDataFolder(config.dataDir);
    const hadLedger = hasLedger(config.dataDir);
    const ledger = await openSqliteLedger({
      dataDir: config.dataDir,
      onFault: (operation, fault) => log.error({ operation, fault }, 'the ledger refused a write'),
      onTrouble(why) {
        if (why === null) log.info('the ledger can be written again');
        else log.error({ why }, 'the ledger cannot be written; every call is refused');
      },
      ...(options.onDeath ? { onDeath: options.onDeath } : {}),
    });
    undo.push(() => ledger.close());
    const masterKey = config.masterKey ?? masterKeyOf(config.dataDir, hadLedger);
    const accounts = await AccountBook.open(ledger, masterKey, clock);
    for (const { vendor, baseUrl, fields } of fromEnvironment) {
      accounts.addBuiltIn(vendor, 'default', baseUrl, fields);
    }
    const sandbox = await sandboxFor(config, vendors, accounts, options);
    if (sandbox) undo.push(() => sandbox.close());

    const ids = new IdSource(clock, 0, ledger.lastId);
    const firstApiKey = await firstKey(config, ledger, ids, clock);
    const running = new RunningCalls(clock);
    const waiting = new WaitingRoom(clock);
    const metrics = new Metrics({
      ...{ running: () => running.size, waiting: () => waiting.size },
      ratesAge: () => tariffs.ratesAge(clock.now()),
    });
    const upstream = new Upstream(options.upstreamLimits);
    undo.push(() => upstream.close());
    if (config.rates) {
      const fetch = (address: string) => fetchOnce(upstream, address);
      const rates = new RateSource(config.rates, {
        ...{ book: tariffs, fetch, clock, log },
        ...(options.ratesPauseMs === undefined ? {} : { filePauseMs: options.ratesPauseMs }),
      });
      rates.start();
      undo.push(async () => rates.stop());
    }
    const seal = new ReplySeal(masterKey);
    const dataPlane = new DataPlane({
      vendors,
      accounts,
      ledger,
      tariffs,
      upstream,
      running,
      waiting,
      seal,
      observer: new Observer(log, metrics),
      ids,
      clock,
      ...(options.coalesceMs === undefined ? {} : { coalesceMs: options.coalesceMs }),
      ...(options.holdsMs === undefined ? {} : { holdsMs: options.holdsMs }),
    });
    // On connections of its own: they are broken off at a stop, since a look changes nothing there.
    const looking = new Upstream(options.upstreamLimits);
    const resolver = new Resolver({
      ...{ vendors, accounts, tariffs, ledger, running, seal, clock, log, metrics },
      upstream: looking,
    });
    undo.push(async () => {
      const stopped = resolver.stop();
      await looking.close();
      await stopped;
    });
    let ready: string | null = 'starting';
    const control = createControl({
      ledger,
      accounts,
      running,
      vendors,
      ids,
      clock,
      metrics,
      ready: () => ready ?? (ledger.trouble && `the ledger cannot be written: ${ledger.trouble}`),
      log,
    });
    const listener = await listen(
      config.listen,
      {
        keyHeaders: keyHeaders(vendors.values()),
        data: (incoming) => dataPlane.handle(incoming),
        control: (request) => control.fetch(request),
      },
      log,
      options.serverLimits,
    );
    // A batch after the other until nothing is left: calls are admitted between them.
    const prune = async () => {
      while (ready === null && (await ledger.prune(clock.now())) > 0);
    };
    const pruning = setInterval(() => {
      prune().catch((error) => log.error({ err: error }, 'prune failed'));
    }, PRUNE_MS);
    undo.push(async () => {
      clearInterval(pruning);
      ready = 'stopping';
      dataPlane.drain();
      await listener.close();
      await running.empty();
    });
    resolver.start(options.resolvePauseMs);
    ready = null;
    return {
      url: listener.url,
      firstApiKey,
      recovered: ledger.recovered,
      sandbox,
      ledger,
      close: () => takeApart(undo),
    };
  } catch (error) {
    await takeApart(undo);
    throw error;
  }
}

/** What calls cost at the start. Throws ConfigError for a file that is wrong, before anything is made. */
function tariffsOf(config: Config, now: number): TariffBook {
  const { rates, ratesMaxAgeMs, twilioPrices: file, resendEmailPrice } = config;
  const book = new TariffBook(ratesMaxAgeMs);
  if (rates && 'file' in rates) book.setRates(readRatesFile(rates.file, now));
  if (rates && 'address' in rates) book.awaitRates('none were read from KEYBRAKE_RATES yet');
  book.setPrices(twilio.name, null, twilioPrices(file));
  book.setPrices(resend.name, null, new Map([[PRICE_OF_MAIL, resendEmailPrice]]));
  return book;
}

type Vendors = ReadonlyMap<string, Vendor>;

interface BuiltIn {
  vendor: Vendor;
  baseUrl: string;
  fields: Record<string, string>;
}

/** Held to the same rules as stored accounts, before anything is made. */
function environmentAccounts(config: Config, vendors: Vendors): BuiltIn[] {
  return config.accounts.map(({ vendor: name, baseUrl, fields: secrets }) => {
    const vendor = vendors.get(name)!;
    const revealed = Object.entries(secrets).map(([field, secret]) => [field, secret.reveal()]);
    const fields: Record<string, string> = Object.fromEntries(revealed);
    const wrong = vendor.checkCredentials(fields);
    if (wrong === null) return { vendor, baseUrl, fields };
    const settings: Record<string, string> = ACCOUNT_SETTINGS[name as 'stripe'].fields;
    throw new ConfigError(wrong.replace(/^\w+/, (field) => settings[field] ?? field));
  });
}

/** The sandbox, when it is asked for, or when there is no real account and nobody said no. */
async function sandboxFor(
  config: Config,
  vendors: Vendors,
  accounts: AccountBook,
  options: KeybrakeOptions,
): Promise<Sandbox | null> {
  const wanted = config.sandbox ?? accounts.list().length === 0;
  if (!wanted) return null;
  const sandbox = await startSandbox(options.sandbox);
  for (const { vendor: name, baseUrl, fields } of sandboxAccounts(sandbox)) {
    const vendor = vendors.get(name);
    if (vendor) accounts.addBuiltIn(vendor, 'sandbox', baseUrl, fields);
  }
  return sandbox;
}

/** Admits KEYBRAKE_API_KEY, or makes the first key where there is none; returns one that was made. */
async function firstKey(
  config: Config,
  ledger: Ledger,
  ids: IdSource,
  clock: Clock,
): Promise<string | null> {
  const add = (text: string, name: string) =>
    ledger.addApiKey(
      { id: ids.next(), name, role: 'admin', createdAt: clock.now() },
      credentialHash(text),
    );
  if (config.apiKey) {
    const text = config.apiKey.reveal();
    if (!(await ledger.findApiKey(credentialHash(text)))) await add(text, 'KEYBRAKE_API_KEY');
    return null;
  }
  if ((await ledger.apiKeys()).length > 0) return null;
  const text = makeFirstApiKey(config.dataDir);
  await add(text, 'first');
  return text;
}

async function takeApart(undo: (() => Promise<unknown>)[]): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step();
}
