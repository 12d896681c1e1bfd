// Which rows of a long table exist. Rows have one fixed height, so this is arithmetic; at most a screen of them is in the page
// whatever the number of tags.

/** Rows beyond each edge that exist too, so that scrolling by a few lines shows no gap. */
export const OVERSCAN = 6;

/** The rows [from, to) to build, given the scroll position and the height of the view in pixels. */
export function rowsInView(scrollTop: number, viewHeight: number, rowHeight: number, count: number): { from: number; to: number } {
  const first = Math.floor(scrollTop / rowHeight) - OVERSCAN;
  const beyond = Math.ceil((scrollTop + viewHeight) / rowHeight) + OVERSCAN;
  const from = Math.max(0, Math.min(first, count));
  return { from, to: Math.max(from, Math.min(beyond, count)) };
}

/** The scroll position that shows the row whole, moving as little as possible. */
export function scrollToRow(row: number, scrollTop: number, viewHeight: number, rowHeight: number): number {
  const top = row * rowHeight;
  if (top < scrollTop) return top;
  return top + rowHeight > scrollTop + viewHeight ? top + rowHeight - viewHeight : scrollTop;
}
