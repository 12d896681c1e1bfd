// Starts the page: the state, what wakes it, and the components.

import { mount } from 'svelte';
import './style.css';
import App from './view/App.svelte';
import { applyTheme, browserOf, readTheme } from './view/browser';
import { Page } from './view/page.svelte';

applyTheme(readTheme());
const page = new Page(browserOf(window));
// Timers of a hidden page are slowed down, and a laptop's sleep stops them: these say that there is something to catch up with.
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && page.wake());
for (const event of ['online', 'pageshow']) window.addEventListener(event, page.wake);
page.start();

const target = document.getElementById('app');
if (!target) throw new Error('index.html has an element with the id "app"');
mount(App, { target, props: { page } });
