"""`python -m imagemill.cli`: what the supervisor starts its children with.

A worker's children import this module again, so nothing may be imported before the guard.
"""

if __name__ == "__main__":
    from imagemill.cli.main import run

    run()
