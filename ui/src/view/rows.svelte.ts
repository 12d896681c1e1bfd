// Signals for the rows that exist in the page, and for no others: of 10,000 tags some thirty are on the screen.

/** Grows whenever the row's value does; reading it makes whatever reads it follow the value. */
export class RowSignal {
  tick = $state.raw(0);
}

export class RowSignals {
  private readonly watched = new Map<number, Set<RowSignal>>();

  /** A signal for row `id`, until the returned function is called. */
  watch(id: number, signal: RowSignal): () => void {
    const signals = this.watched.get(id) ?? new Set();
    this.watched.set(id, signals.add(signal));
    return () => {
      signals.delete(signal);
      if (signals.size === 0 && this.watched.get(id) === signals) this.watched.delete(id);
    };
  }

  /** These values changed. */
  touch(ids: readonly number[]): void {
    for (const id of ids) {
      for (const signal of this.watched.get(id) ?? []) signal.tick += 1;
    }
  }
}
