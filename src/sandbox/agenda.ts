/**
 * What is to be looked at again, and when: messages that go out later, prices that become known.
 * Decides nothing about time; whoever asks says what time it is.
 */
export class Agenda<Item> {
  /** Earliest first. Most are entered in order, so that entering looks at the end alone. */
  #entries: { at: number; item: Item }[] = [];

  /** `at`: milliseconds since 1970. */
  enter(at: number, item: Item): void {
    let place = this.#entries.length;
    while (place > 0 && this.#entries[place - 1]!.at > at) place--;
    this.#entries.splice(place, 0, { at, item });
  }

  /** Takes out what is due at `now`, earliest first. */
  take(now: number): Item[] {
    let due = 0;
    while (due < this.#entries.length && this.#entries[due]!.at <= now) due++;
    return due === 0 ? [] : this.#entries.splice(0, due).map(({ item }) => item);
  }

  clear(): void {
    this.#entries = [];
  }
}
