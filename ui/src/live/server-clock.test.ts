import { expect, it } from 'vitest';
import { ServerClock } from './server-clock';

it('shows the local time until it is told otherwise', () => {
  expect(new ServerClock().now(5_000)).toBe(5_000);
});

it('trusts the message that was delayed least', () => {
  const clock = new ServerClock();
  clock.hear(60_000 - 40, 0);
  clock.hear(60_100 - 5, 100);
  clock.hear(60_200 - 300, 200);
  expect(clock.now(200)).toBe(60_200 - 5);
});

it('follows a clock that was set back, after its window', () => {
  const clock = new ServerClock();
  clock.hear(60_000, 0);
  clock.hear(60_000, 10_000);
  expect(clock.now(10_000)).toBe(70_000);
  clock.hear(81_000, 31_000);
  expect(clock.now(31_000)).toBe(81_000);
});

it('forgets at a change of node', () => {
  const clock = new ServerClock();
  clock.hear(60_000, 0);
  clock.reset();
  expect(clock.now(7)).toBe(7);
});
