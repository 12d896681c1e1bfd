// A setpoint's way: requested, committed, written, verified; or refused, with the reason.

import { expect, type LabPage, test } from './lab-page';
import { leaderAndFollower, nodeUrls, setpointAt, WRITABLE_TAG } from './nodes';

/** What the table shows after a setpoint was verified: the wish as it was committed, and the value as it was read back. */
async function expectSettled(lab: LabPage, wanted: number): Promise<void> {
  await expect(lab.cell(WRITABLE_TAG, 'setpoint')).toContainText('verified');
  const number = async (column: 'value' | 'setpoint') => Number.parseFloat((await lab.cell(WRITABLE_TAG, column).textContent()) ?? '');
  await expect.poll(() => number('setpoint')).toBeCloseTo(wanted, 1);
  await expect.poll(() => number('value')).toBeCloseTo(wanted, 1);
}

test('by mouse, at the leader', async ({ lab }) => {
  const wanted = await setpointAt(0.4);
  await lab.open((await leaderAndFollower()).leader);
  await lab.filter(WRITABLE_TAG);
  await lab.row(WRITABLE_TAG).click();
  await lab.panel.getByRole('button', { name: /^Set/ }).click();
  await lab.panel.getByLabel('New value').fill(String(wanted));
  await lab.panel.getByLabel('Reason').fill('browser test');
  await lab.panel.getByRole('button', { name: 'Review' }).click();
  await expect(lab.panel.getByTestId('review')).toContainText('→');
  await expect(lab.panel.getByTestId('progress')).toHaveCount(0);
  await lab.panel.getByRole('button', { name: /^Confirm/ }).click();
  await lab.isVerified();
  await expectSettled(lab, wanted);
  await expect(lab.page.getByRole('region', { name: 'Recent commands' }).getByRole('listitem').first()).toContainText('verified');
});

test('by keyboard alone, at a follower', async ({ lab }) => {
  const wanted = await setpointAt(0.6);
  await lab.open((await leaderAndFollower()).follower);
  const { keyboard } = lab.page;
  await keyboard.press('/');
  await keyboard.type(WRITABLE_TAG);
  await expect(lab.rows).toHaveCount(1);
  await keyboard.press('Enter');
  await expect(lab.row(WRITABLE_TAG)).toHaveAttribute('aria-selected', 'true');
  await keyboard.press('Enter');
  await expect(lab.panel.getByLabel('New value')).toBeFocused();
  await keyboard.type(String(wanted));
  await keyboard.press('Enter');
  await expect(lab.panel.getByTestId('review')).toBeVisible();
  await keyboard.press('Enter');
  await expect(lab.panel.getByTestId('progress'), 'Enter reviews, it never writes').toHaveCount(0);
  await keyboard.press('Control+Enter');
  await lab.isVerified();
  await expectSettled(lab, wanted);
});

test('outside the limits it is refused with code and remedy, and nothing moves', async ({ lab }) => {
  await lab.open(nodeUrls()[0] as string);
  await lab.filter(WRITABLE_TAG);
  const before = await lab.cell(WRITABLE_TAG, 'setpoint').textContent();
  await lab.row(WRITABLE_TAG).dblclick();
  await lab.panel.getByLabel('New value').fill(String(await setpointAt(2)));
  await expect(lab.panel).toContainText('the site will refuse it');
  await lab.panel.getByRole('button', { name: 'Review' }).click();
  await lab.panel.getByRole('button', { name: /^Confirm/ }).click();
  await expect(lab.step('Rejected')).toHaveAttribute('data-state', 'failed');
  await expect(lab.panel.getByTestId('progress')).toContainText(/LAB300[56] \S+/);
  await expect(lab.step('Written')).toHaveAttribute('data-state', 'waiting');
  expect(await lab.cell(WRITABLE_TAG, 'setpoint').textContent()).toBe(before);
});

test('what is not a number is not even reviewed', async ({ lab }) => {
  await lab.open(nodeUrls()[0] as string);
  await lab.filter(WRITABLE_TAG);
  await lab.row(WRITABLE_TAG).dblclick();
  await lab.panel.getByLabel('New value').fill('warm');
  await lab.panel.getByRole('button', { name: 'Review' }).click();
  await expect(lab.panel).toContainText('This is not a number.');
  await expect(lab.panel.getByTestId('review')).toHaveCount(0);
});

test('of two operators the second learns that the first was faster', async ({ lab, context }) => {
  const wanted = await setpointAt(0.5);
  await lab.open(nodeUrls()[0] as string);
  const draft = async (page: LabPage, value: number) => {
    await page.filter(WRITABLE_TAG);
    await page.row(WRITABLE_TAG).dblclick();
    await page.panel.getByLabel('New value').fill(String(value));
    await page.panel.getByRole('button', { name: 'Review' }).click();
  };
  await draft(lab, wanted);
  const { LabPage: Other } = await import('./lab-page');
  const other = new Other(await context.newPage());
  await other.open(nodeUrls()[0] as string);
  await draft(other, wanted + 0.1);
  await other.panel.getByRole('button', { name: /^Confirm/ }).click();
  await other.isVerified();
  await expect(lab.panel).toContainText('changed while you were typing');
  await lab.panel.getByRole('button', { name: /^Confirm/ }).click();
  await expect(lab.panel.getByTestId('progress')).toContainText('LAB3007');
});
