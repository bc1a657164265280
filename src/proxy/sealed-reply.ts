/**
 * A reply kept for replays: sealed, because it holds customers' data, and whole, because a replay
 * is byte for byte. Layout before sealing: 4 bytes length of the head, the head as JSON, the body.
 */
import { Seal } from '../seal.ts';
import type { VendorReply } from '../vendors/vendor.ts';

export class ReplySeal {
  readonly #seal: Seal;

  constructor(masterKey: Uint8Array) {
    this.#seal = new Seal(masterKey, 'replies');
  }

  close(callId: bigint, reply: VendorReply): Uint8Array {
    const head = Buffer.from(JSON.stringify([reply.status, ...reply.headers]));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(head.length);
    return this.#seal.close(Buffer.concat([length, head, reply.body]), callId.toString());
  }

  /** Throws SealError under another master key. */
  open(callId: bigint, sealed: Uint8Array): VendorReply {
    const plain = this.#seal.open(sealed, callId.toString());
    const end = 4 + plain.readUInt32BE(0);
    const [status, ...headers] = JSON.parse(plain.toString('utf8', 4, end));
    return { status, headers: new Map(headers), body: plain.subarray(end) };
  }
}
