import asyncio, random, time, traceback
from tests.infrastructure.persistence.test_unit_of_work import *
from tests.infrastructure.persistence.test_unit_of_work import add_one, a_product
async def test_x(test_databases):
    async with open_stack(test_databases.sqlite()) as stack:
        chance, actor = random.Random(3), await stack.organization()
        for i in range(60):
            t0=time.time()
            task = asyncio.create_task(add_one(stack, actor, a_product(stack, actor)))
            await asyncio.sleep(chance.uniform(0, .02))
            stk=[f"{f.f_code.co_filename.split('/')[-1]}:{f.f_lineno}" for f in task.get_stack()]
            c=task.get_coro(); chain=[]
            while c is not None and hasattr(c,'cr_await'):
                fr=c.cr_frame
                if fr: chain.append(f"{fr.f_code.co_name}:{fr.f_lineno}")
                c=c.cr_await
            task.cancel()
            r=await asyncio.gather(task, return_exceptions=True)
            if time.time()-t0>.5 or (not isinstance(r[0],asyncio.CancelledError) and r[0]): print(i, round(time.time()-t0,2), repr(r[0])[:80], chain)
            else: print(i, repr(r[0])[:30], chain[-3:])
