/** Handing a file to the person in front of the page. */

export function download(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // the browser has taken the content once the click is handled
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** `VIN_2025-01-15T08-00-00Z_rpm.png`: a name that every file system takes. */
export function fileName(parts: readonly string[], extension: string): string {
  const stem = parts.map((part) => part.replaceAll("%", "percent").replace(/[^A-Za-z0-9_.-]+/g, "-").replace(/^-+|-+$/g, ""));
  return `${stem.filter((part) => part !== "").join("_")}.${extension}`;
}
