interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer | PromiseLike<Answer>) => void;
  readonly reject: (error: unknown) => void;
}

/** Does for many at once what each asks for by itself: what comes while one round is under way goes with the next. */
export class Gathering<Item, Answer> {
  #waiting: Waiting<Item, Answer>[] = [];
  #running = false;

  constructor(
    /** Answers each, in their order, or says how it will; its error is everybody's. */
    private readonly act: (items: readonly Item[]) => Promise<readonly (Answer | PromiseLike<Answer>)[]>,
    /** How many of those that wait go together. */
    private readonly fitting: (items: readonly Item[]) => number,
  ) {}

  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      // What is asked for in one turn of the event loop goes together.
      await new Promise(setImmediate);
      const round = this.#waiting.splice(0, this.fitting(this.#waiting.map(({ item }) => item)));
      try {
        const answers = await this.act(round.map(({ item }) => item));
        round.forEach(({ resolve }, index) => void resolve(answers[index]!));
      } catch (error) {
        for (const { reject } of round) reject(error);
      }
    }
    this.#running = false;
  }
}
