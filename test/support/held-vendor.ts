/**
 * The sandbox vendor behind a door that the test holds: connections are taken, and what comes waits
 * in front of the vendor, unanswered, until the test lets it in. For what must be seen while calls
 * are under way.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

export interface HeldVendor {
  sandbox: Sandbox;
  /** What a server needs to use it as the account `default`. */
  settings: Record<string, string>;
  /** Resolves when this many requests wait at the door. */
  waiting(requests: number): Promise<void>;
  /** Opens the door: who waits and who comes later goes in. */
  letIn(): void;
}

/** Bytes are passed on as they are: one connection of the server's is one of the vendor's. */
export async function startHeldVendor(t: TestContext): Promise<HeldVendor> {
  const sandbox = await startSandbox();
  const arrived: Socket[] = [];
  const atDoor = new Set<Socket>();
  let open = false;
  let changed = Promise.withResolvers<void>();
  const enter = (socket: Socket) => {
    const inside = connect(Number(new URL(sandbox.stripeUrl).port), '127.0.0.1');
    inside.on('error', () => socket.destroy());
    inside.on('close', () => socket.destroy());
    socket.on('close', () => inside.destroy());
    socket.pipe(inside).pipe(socket);
  };
  const door = createServer((socket) => {
    arrived.push(socket);
    socket.on('error', () => undefined);
    if (open) return enter(socket);
    // Readable and not read: the bytes stay in the socket until it goes in.
    socket.once('readable', () => {
      atDoor.add(socket);
      changed.resolve();
      changed = Promise.withResolvers();
    });
  }).listen(0, '127.0.0.1');
  await once(door, 'listening');
  t.after(async () => {
    door.close();
    for (const socket of arrived) socket.destroy();
    await sandbox.close();
  });
  const { port } = door.address() as AddressInfo;
  return {
    sandbox,
    settings: {
      KEYBRAKE_STRIPE_SECRET: sandbox.secret,
      KEYBRAKE_STRIPE_BASE_URL: `http://127.0.0.1:${port}`,
    },
    async waiting(requests) {
      while (atDoor.size < requests) await changed.promise;
    },
    letIn() {
      open = true;
      for (const socket of atDoor) enter(socket);
      atDoor.clear();
    },
  };
}
