// A leader that dies while somebody watches. Only the mock is told to kill a node: real nodes are killed by the tests of the cluster.

import { expect, test } from './lab-page';
import { cluster, leaderAndFollower, MOCK_NODES, WRITABLE_TAG } from './nodes';

const tell = (verb: 'fail' | 'heal', name: string) => fetch(`${MOCK_NODES[0]}/mock/${verb}/${name}`, { method: 'POST' });

test.afterEach(async () => {
  for (const { name } of (await cluster()).nodes) await tell('heal', name);
});

test('values stay, the strip says what happened, and the page goes on without a reload', async ({ lab }) => {
  const { leader: url } = await leaderAndFollower();
  const { leader, term } = await cluster();
  await lab.open(url);
  await lab.filter(WRITABLE_TAG);
  await lab.row(WRITABLE_TAG).click();
  const before = await lab.cell(WRITABLE_TAG, 'value').textContent();
  await tell('fail', leader);
  await expect(lab.page.getByTestId('notice-lost')).toContainText(`Lost ${leader}`);
  await expect(lab.panel.getByRole('button', { name: /^Set/ })).toBeDisabled();
  expect(await lab.cell(WRITABLE_TAG, 'value').textContent()).toBe(before);
  await expect(lab.page.getByTestId('notice-switched')).toContainText(/Now on \S+ \(term \d+\).*live again after \d\.\d s/);
  await expect(lab.link).toContainText(`term ${Number(term) + 1}`);
  await expect(lab.page.getByTestId('notice-origin')).toContainText(`This page came from ${leader}`);
  await expect(lab.panel.getByRole('button', { name: /^Set/ })).toBeEnabled();
});
