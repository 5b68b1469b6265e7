Console.WriteLine("puff");
