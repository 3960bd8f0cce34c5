import { useRoute, viewNames, views } from '../route.ts'

export function ViewTabs() {
  const { view } = useRoute()
  return (
    <nav className="view-tabs" aria-label="Views">
      {views.map((v) => (
        <a key={v} href={`#/${v}`} aria-current={v === view ? 'page' : undefined}>
          {viewNames[v]}
        </a>
      ))}
    </nav>
  )
}
