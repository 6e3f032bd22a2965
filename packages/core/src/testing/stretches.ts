/**
 * The test's transaction as one job has it, under one savepoint after the other: a stretch ends where a worker would have
 * committed. So what is kept by then stays, whatever becomes of the job behind it.
 */
export class Stretches<Tx extends object> {
  #tx: Tx | undefined;
  /** Settled once nobody is at it in the transaction. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Ends this stretch. */
  #leave = () => {};
  /** Goes on in the next one: set while somebody waits for it. */
  #goOn: (() => void) | undefined;

  /** Why nothing may be written any more, as an error; undefined for as long as it may. */
  constructor(private readonly refuse: () => Error | undefined) {}

  /** The handle of this stretch. */
  get tx(): Tx {
    return this.#tx!;
  }

  /** Whether the stretch has ended so that the next one goes on with the job. */
  get paused(): boolean {
    return this.#goOn !== undefined;
  }

  /** Begins a stretch, and resolves at its end; `begin` is for the first one. */
  async run(tx: Tx, begin: () => void): Promise<void> {
    const first = this.#tx === undefined;
    this.#tx = tx;
    const over = new Promise<void>((resolve) => {
      this.#leave = resolve;
    });
    const goOn = this.#goOn;
    this.#goOn = undefined;
    if (first) begin();
    else goOn?.();
    // What has ended between two stretches ends the second one.
    if (this.refuse()) this.#leave();
    await over;
    // The transaction has one connection: whoever is at it comes to an end first.
    while (!this.#goOn) {
      const turn = this.#turn;
      await turn.catch(() => {});
      if (turn === this.#turn) return;
    }
  }

  /** To be called when the job has come to its end: this stretch is the last. */
  end(): void {
    this.#leave();
  }

  /** Runs `fn` while nobody else is at it in the transaction. */
  alone<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    const ran = this.#turn
      .catch(() => {})
      .then(() => {
        const refused = this.refuse();
        if (refused) throw refused;
        return fn(this.tx);
      });
    this.#turn = ran;
    return ran;
  }

  /** The same, and ends the stretch behind it. */
  keep<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    return this.alone(async (tx) => {
      const result = await fn(tx);
      if (this.refuse()) return result;
      await new Promise<void>((resolve) => {
        this.#goOn = resolve;
        this.#leave();
      });
      return result;
    });
  }
}
