// The page in the words of somebody who looks at it.

import { test as base, expect, type Locator, type Page } from '@playwright/test';

export { expect };

/** A test in which any error that the page reports, such as a breach of its security policy, is a failure. */
export const test = base.extend<{ lab: LabPage }>({
  lab: async ({ page }, use) => {
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => {
      // A socket to a node that is down is reported by the browser itself, and belongs to a failover.
      if (message.type() === 'error' && !message.text().includes('WebSocket connection')) errors.push(message.text());
    });
    await use(new LabPage(page));
    expect(errors).toEqual([]);
  },
});

export class LabPage {
  readonly link: Locator;
  readonly rows: Locator;
  readonly panel: Locator;

  constructor(readonly page: Page) {
    this.link = page.getByTestId('link');
    this.rows = page.locator('[data-tag]');
    this.panel = page.getByRole('region', { name: 'Setpoint', exact: true });
  }

  /** Opens the page of a node, and waits until it is live. */
  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await this.isLive();
  }

  async isLive(): Promise<void> {
    await expect(this.link).toHaveText(/^Leader \S+ · term \d+ · /);
  }

  async filter(text: string): Promise<void> {
    await this.page.getByLabel('Filter').fill(text);
  }

  /** The cells of the first row that a filter leaves, by column. */
  row(tag: string): Locator {
    return this.page.locator(`[data-tag="${tag}"]`);
  }

  cell(tag: string, column: 'value' | 'unit' | 'quality' | 'age' | 'setpoint' | 'owner'): Locator {
    return this.row(tag).locator(`.${column}`).first();
  }

  step(name: string): Locator {
    return this.panel.locator('li').filter({ hasText: name });
  }

  /** Waits until the command that was sent has gone all four steps. */
  async isVerified(): Promise<void> {
    for (const name of ['Requested', 'Committed', 'Written', 'Verified']) {
      await expect(this.step(name)).toHaveAttribute('data-state', 'done');
      await expect(this.step(name).locator('.time')).toHaveText(/^\d\d:\d\d:\d\d\.\d{3}$/);
    }
  }
}
