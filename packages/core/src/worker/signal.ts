/** Something that one loop waits for and others announce; an announcement while nobody waits is kept. */
export class Signal {
  #set = false;
  #wake: (() => void) | undefined;

  notify(): void {
    this.#set = true;
    this.#wake?.();
  }

  /** Resolves at the next announcement (at once, if one is kept), or after `ms`. True where it was announced. */
  async wait(ms: number): Promise<boolean> {
    if (!this.#set) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    const announced = this.#set;
    this.#set = false;
    return announced;
  }
}
