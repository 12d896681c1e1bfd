// How the page is bundled: one script, no lazy chunks, because a chunk that is asked of a dead node cannot load.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// `npm run dev` shows the page with its code reloaded while the mock (`npm run dev:mock`) answers for the cluster.
const MOCK = 'http://127.0.0.1:7780';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    modulePreload: false,
    // Whoever ships the binary ships these notices with it.
    license: { fileName: 'licenses.txt' },
    rolldownOptions: { output: { codeSplitting: false } },
  },
  server: { proxy: { '/api': { target: MOCK, ws: true } } },
  // Tests mount components, so they need the build of Svelte that runs in a browser.
  resolve: process.env['VITEST'] ? { conditions: ['browser'] } : {},
  test: { environment: 'happy-dom', include: ['src/**/*.test.ts'] },
});
