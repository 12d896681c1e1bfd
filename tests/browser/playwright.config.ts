// How the browser test runs: in Debian's chromium, one test at a time, against the nodes that LABKEEPER_HTTP names, or (`npm run test:mock`)
// against the mock that UI developers use. The mock can be told to kill a node, so only there is a failover tried.

import { defineConfig } from '@playwright/test';
import { isMock, MOCK_NODES } from './nodes';

export default defineConfig({
  testDir: '.',
  testMatch: isMock ? '*.spec.ts' : ['page.spec.ts', 'setpoint.spec.ts', 'look.spec.ts'],
  outputDir: '../../target/browser-test',
  // Commands to one tag follow one another, and the machine is shared with the cluster.
  workers: 1,
  // A command's deadline is 10 s; everything else takes a fraction of one. Three times that, for a loaded machine.
  timeout: 30_000,
  expect: { timeout: 10_000 },
  forbidOnly: true,
  reporter: 'list',
  use: {
    viewport: { width: 1280, height: 720 },
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env['LABKEEPER_CHROMIUM'] ?? '/usr/bin/chromium',
      // The page is served by this machine; a browser that phones home meanwhile proves nothing.
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  ...(isMock && {
    webServer: { command: 'npm --prefix ../../ui run dev:mock', url: `${MOCK_NODES[0]}/api/v1/cluster`, reuseExistingServer: true },
  }),
});
