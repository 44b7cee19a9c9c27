import { useCallback, useEffect, useState, useSyncExternalStore } from "react";

const KEY = "roomful-whiteboard-theme";
const darkQuery = matchMedia("(prefers-color-scheme: dark)");

export type ThemeName = "light" | "dark";

/** The system's theme, until somebody chooses the other one. */
export function useTheme(): { readonly theme: ThemeName; readonly chooseTheme: (theme: ThemeName) => void } {
  const isSystemDark = useSyncExternalStore(
    (changed) => {
      darkQuery.addEventListener("change", changed);
      return () => darkQuery.removeEventListener("change", changed);
    },
    () => darkQuery.matches,
  );
  const system: ThemeName = isSystemDark ? "dark" : "light";
  const [chosen, setChosen] = useState(readChosen);
  const theme = chosen ?? system;
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  const chooseTheme = useCallback((next: ThemeName) => {
    setChosen(next);
    try {
      localStorage.setItem(KEY, next);
    } catch {}
  }, []);
  return { theme, chooseTheme };
}

function readChosen(): ThemeName | null {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === "light" || stored === "dark" ? stored : null;
  } catch {
    return null;
  }
}
