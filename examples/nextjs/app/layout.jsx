export const metadata = { title: 'Uploads with Next.js', icons: { icon: 'data:,' } }

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        <main>
          <h1>Uploads with Next.js</h1>
          {children}
        </main>
      </body>
    </html>
  )
}
