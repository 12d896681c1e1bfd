// From any node: live values of all devices of all nodes, and who keeps what.

import { expect, test } from './lab-page';
import { cluster, leaderAndFollower, nodeUrls, WRITABLE_TAG } from './nodes';

test('values of every segment change, with unit, quality, age and owner', async ({ lab }) => {
  const { segments } = await cluster();
  expect(segments.length).toBeGreaterThanOrEqual(3);
  await lab.open(nodeUrls()[0] as string);
  for (const { name, owner } of segments) {
    await lab.filter(`${name}/*`);
    const first = lab.rows.first();
    await expect(first).toHaveAttribute('data-tag', new RegExp(`^${name}/`));
    await expect(first.locator('.owner')).toHaveText(owner);
    await expect(lab.rows.locator('.unit').filter({ hasText: /\S/ }).first()).toBeVisible();
    await expect(lab.rows.locator('.quality').filter({ hasText: 'Good' }).first()).toBeVisible();
    await expect(
      lab.rows
        .locator('.age')
        .filter({ hasText: /^(< 1|1\.\d) s$/ })
        .first(),
    ).toBeVisible();
    const values = () => lab.rows.getByTestId('value').allTextContents();
    const before = await values();
    await expect.poll(values, { message: `no value of ${name} moves` }).not.toEqual(before);
  }
});

test('says who leads, which nodes there are, and which segments each owns', async ({ lab }) => {
  const { leader, term, nodes, segments } = await cluster();
  await lab.open(nodeUrls()[0] as string);
  await expect(lab.link).toContainText(`Leader ${leader} · term ${term}`);
  await expect(lab.page.getByText(`Segments kept ${segments.length}/${segments.length}`)).toBeVisible();
  for (const { name } of nodes) {
    const card = lab.page.getByRole('article', { name: `Node ${name}` });
    await expect(card).toContainText(name === leader ? `Leader · term ${term}` : 'Follower');
    for (const segment of segments.filter(({ owner }) => owner === name)) {
      await expect(card.getByRole('listitem').filter({ hasText: segment.name })).toContainText(`epoch ${segment.epoch}`);
    }
  }
});

test('a follower’s page is as live as the leader’s', async ({ lab }) => {
  const { follower } = await leaderAndFollower();
  await lab.open(follower);
  const values = () => lab.rows.getByTestId('value').allTextContents();
  const before = await values();
  expect(before.length).toBeGreaterThan(0);
  await expect.poll(values).not.toEqual(before);
});

test('the filter leaves what it says, and the address keeps it', async ({ lab }) => {
  await lab.open(nodeUrls()[0] as string);
  const all = await lab.page.getByTestId('count').textContent();
  await lab.page.keyboard.press('/');
  await lab.page.keyboard.type(WRITABLE_TAG);
  await expect(lab.rows).toHaveCount(1);
  await expect(lab.page.getByTestId('count')).toHaveText(`1 of ${all}`);
  await lab.page.reload();
  await lab.isLive();
  await expect(lab.rows).toHaveCount(1);
  await lab.filter('no such tag');
  await expect(lab.page.getByText('No tag fits this filter.')).toBeVisible();
  await lab.page.getByRole('button', { name: 'Clear it' }).click();
  await expect(lab.page.getByTestId('count')).toHaveText(all as string);
});
