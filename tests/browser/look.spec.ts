// The page is usable by everybody, in both themes and on small screens.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, type LabPage, test } from './lab-page';
import { nodeUrls, WRITABLE_TAG } from './nodes';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  nodes: { html: string }[];
}

/** What axe-core has against the page as it is. */
async function violations(lab: LabPage): Promise<string[]> {
  await lab.page.evaluate(AXE);
  const found = await lab.page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    return (await axe.run()).violations;
  });
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`nothing bars anybody, ${colorScheme}`, async ({ lab }) => {
    await lab.page.emulateMedia({ colorScheme });
    await lab.open(nodeUrls()[0] as string);
    await expect(lab.rows.first()).toBeVisible();
    expect(await violations(lab)).toEqual([]);
    await lab.filter(WRITABLE_TAG);
    await lab.row(WRITABLE_TAG).dblclick();
    await lab.panel.getByLabel('New value').fill('-99999');
    expect(await violations(lab)).toEqual([]);
    await lab.panel.getByRole('button', { name: 'Review' }).click();
    expect(await violations(lab)).toEqual([]);
  });
}

for (const width of [1280, 800, 400]) {
  test(`nothing is cut off at a width of ${width}`, async ({ lab }) => {
    await lab.page.setViewportSize({ width, height: 720 });
    await lab.open(nodeUrls()[0] as string);
    await expect(lab.rows.first()).toBeVisible();
    expect(await lab.page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
  });
}
