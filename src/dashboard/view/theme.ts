/** Light, dark, or as the system says; kept in the browser. */
import { useEffect, useState } from 'preact/hooks';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'sluice-theme';

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return THEMES.find((theme) => theme === value) ?? 'auto';
}

/** The theme, whether it is dark now, and how to go to the next one. */
export function useTheme(): { theme: Theme; dark: boolean; next: () => void } {
  const [theme, setTheme] = useState<Theme>(stored);
  const media = matchMedia('(prefers-color-scheme: dark)');
  const [systemDark, setSystemDark] = useState(media.matches);
  useEffect(() => {
    const follow = (): void => setSystemDark(media.matches);
    media.addEventListener('change', follow);
    return () => media.removeEventListener('change', follow);
  }, []);
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme;
    localStorage.setItem(KEY, theme);
  }, [theme]);
  const next = (): void => setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!);
  return { theme, dark: theme === 'dark' || (theme === 'auto' && systemDark), next };
}
