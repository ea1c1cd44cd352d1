/** Colours of series: told apart by people who see colours differently (after Okabe and Ito), on light and dark. */

const LIGHT = ['#1d5fd1', '#d9730d', '#0e8f6e', '#b5358a', '#7a5cc7', '#b8860b', '#2b9fc4', '#a33a2c'];
const DARK = ['#6ea8ff', '#ff9f4a', '#3ccf9f', '#f07cc4', '#b39cff', '#e6c14a', '#62d0f0', '#ff7a66'];

export const SERIES_MAX = LIGHT.length;

export function seriesColor(index: number, dark: boolean): string {
  if (index >= SERIES_MAX) return dark ? '#7b8494' : '#a3abb8';
  return (dark ? DARK : LIGHT)[index]!;
}

export function inkColor(dark: boolean): { text: string; grid: string } {
  return dark ? { text: '#aab4c3', grid: '#2b3341' } : { text: '#566070', grid: '#e3e7ee' };
}
